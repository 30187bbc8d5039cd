"""What is wrong with a stream, for `--check`: each finding has a kind, a level and words."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import dataclass

from trueup_contracts.event_transport.codec.dialects import DIALECT_CHANGE, HASH_KINDS, TWO_SHAPES, UNKNOWN_DIALECT
from trueup_contracts.event_transport.tap.replaying import Replay
from trueup_contracts.event_transport.tap.sequences import DUPLICATE, GAP, OUT_OF_ORDER, RESTART, UNCERTAIN
from trueup_contracts.event_transport.tap.watching import Watch

ERROR, WARNING = "error", "warning"
LATE_S, EARLY_S = 5.0, 1.0  # from a batch's ts to its receipt
_FIRST_MS = 1e11  # seconds since the epoch have fewer digits until the year 5138, milliseconds have had more since 1973
_NOTES = {GAP: ERROR, OUT_OF_ORDER: ERROR, UNCERTAIN: WARNING, RESTART: WARNING, DUPLICATE: WARNING}
_LAWS = {DIALECT_CHANGE, UNKNOWN_DIALECT, TWO_SHAPES, HASH_KINDS}


@dataclass(frozen=True)
class Finding:
    """A finding: an error fails `--check`, a warning does not."""

    level: str
    kind: str
    endpoint: str
    what: str


def findings(watch: Watch, *, live: bool, topic: str, replay: Replay | None = None) -> list[Finding]:
    """Everything that is wrong with what was seen at an endpoint, errors first."""
    found = [Finding(level, kind, watch.endpoint, what) for level, kind, what in _all(watch, live, topic, replay)]
    return sorted(found, key=lambda one: one.level != ERROR)


def _all(watch: Watch, live: bool, topic: str, replay: Replay | None) -> Iterator[tuple[str, str, str]]:
    if not watch.messages:
        yield ERROR, *_nothing(watch, live, topic)
    if watch.malformed:
        shown = "; ".join(watch.examples)
        yield ERROR, "malformed", f"{watch.malformed} of {watch.messages} messages cannot be read: {shown}"
    for kind, level in _NOTES.items():
        if watch.notes[kind]:
            told = [what for one, what in watch.told if one == kind]
            more = watch.notes[kind] - len(told)
            yield level, kind, "; ".join(told) + (f"; and {more} more" if more else "")
    for breach in watch.speech.breaches:
        level = ERROR if breach.law in _LAWS else WARNING
        yield level, breach.law, f"{breach.what}, at sequence {breach.sequence}"
    for breach in watch.speech.lacking():
        yield WARNING, breach.law, breach.what
    yield from _clock(watch)
    if replay is not None:
        for kind, what in replay.wrong:
            yield WARNING if kind == "replay-too-short" else ERROR, kind, what


def _nothing(watch: Watch, live: bool, topic: str) -> tuple[str, str]:
    if live and not watch.connections:
        return (
            "not-connected",
            "nobody answered: is the engine up, are its KV events on, is this its rank's port?",
        )
    about = f" with a topic that begins with {topic!r}" if topic else ""
    return "no-messages", f"connected, and no message came{about}: is there traffic, and is prefix caching on?"


def _clock(watch: Watch) -> Iterator[tuple[str, str, str]]:
    if not watch.ages:
        return
    median = statistics.median(watch.ages)
    if watch.ended is not None and watch.ended - median > _FIRST_MS:
        yield ERROR, "time-unit", "ts is in milliseconds; it is seconds since the epoch"
    elif median > LATE_S:
        yield WARNING, "late", f"a batch's ts lies {median:.1f} s before its receipt (median): late, or clocks differ"
    elif median < -EARLY_S:
        yield WARNING, "clock-skew", f"a batch's ts lies {-median:.1f} s after its receipt (median): clocks differ"
