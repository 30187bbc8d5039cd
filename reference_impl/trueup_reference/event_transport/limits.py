"""How large a message may be, before anything of it is decoded."""

from __future__ import annotations

from typing import NamedTuple

SEQUENCE_BYTES = 8
END_SEQUENCE = (1 << 64) - 1  # reserved in A: the end marker of a replay
MOST_U64 = (1 << 64) - 1


class Limits(NamedTuple):
    """Bounds of what is read. A byte of MessagePack costs up to 64 bytes once decoded, so they bound memory too."""

    message_bytes: int = 16 * 1024 * 1024  # all frames together
    topic_bytes: int = 4096


DEFAULT = Limits()
