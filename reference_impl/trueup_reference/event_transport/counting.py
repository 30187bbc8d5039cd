"""What a subscriber counts."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(slots=True)
class Counts:
    """Since the start, over all endpoints."""

    received: int = 0  # messages that `recv` answered
    malformed: int = 0  # messages that were none: skipped
    other_topic: int = 0  # messages of topics that only begin alike: skipped
    gaps: int = 0  # places where numbers are missing from the live stream
    missed: int = 0  # messages that are lost: not replayed either
    restarts: int = 0
    uncertain: int = 0  # places where a connection was lost and came back
    duplicates: int = 0  # B: delivered before. A: live and replayed
    out_of_order: int = 0  # B: delivered, though a later one was before
    replays: int = 0  # asked for
    replays_failed: int = 0  # not answered to their end
    replayed: int = 0  # messages that came from replays
    disconnects: int = 0

    def mapping(self) -> dict[str, int]:
        """By name."""
        return asdict(self)
