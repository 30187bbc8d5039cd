"""A replay, compared with what was seen live."""

from __future__ import annotations

import hashlib
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

from trueup_contracts.event_transport.codec import Unreadable
from trueup_contracts.event_transport.codec.replies import parse
from trueup_contracts.event_transport.tap.watching import Watch


@dataclass
class Replay:
    """What a replay endpoint answered. `wrong`: what is, in words, by its kind."""

    start: int
    form: str | None = None
    count: int = 0
    first: int | None = None
    last: int | None = None
    topics: set[str] = field(default_factory=set)
    same: int = 0  # as many of the live messages came again, with the same bytes
    filled: int = 0  # of what was missing live, as many came
    ended: bool = False
    later: int = 0  # messages behind the last live one
    wrong: list[tuple[str, str]] = field(default_factory=list)


def compare(start: int, replies: Sequence[Sequence[bytes]], watch: Watch) -> Replay:
    """What these replies to a request from `start` on say, beside what was seen live."""
    found = Replay(start)
    seen: set[int] = set()
    for frames in replies:
        try:
            reply = parse(frames)
        except Unreadable as error:
            _wrong(found, "replay-malformed", str(error))
            continue
        if found.form is not None and reply.form != found.form and not reply.end:
            _wrong(found, "replay-form", f"a reply of form {reply.form} after {found.form}")
        found.form = found.form or reply.form
        if reply.end:
            found.ended = True
            break
        _take(found, watch, seen, reply.sequence, reply.payload)
        if reply.topic is not None:
            found.topics.add(reply.topic)
    _judge(found, watch, seen)
    return found


def _take(found: Replay, watch: Watch, seen: set[int], sequence: int, payload: bytes) -> None:
    if sequence < found.start:
        _wrong(found, "replay-range", f"sequence {sequence}; from {found.start} on was asked for")
    elif found.last is not None and sequence <= found.last:
        _wrong(found, "replay-order", f"sequence {sequence} after {found.last}")
    found.count += 1
    found.first = sequence if found.first is None else found.first
    found.last = sequence
    seen.add(sequence)
    live = watch.payloads.get(sequence)
    if live is not None:
        if live == hashlib.sha256(payload).digest():
            found.same += 1
        else:
            _wrong(found, "replay-differs", f"sequence {sequence} has another payload than it had live")
    elif watch.last is not None and sequence > watch.last:
        found.later += 1


def _judge(found: Replay, watch: Watch, seen: set[int]) -> None:
    if not found.ended:
        _wrong(found, "replay-without-end", f"no end marker came; {found.count} messages did")
    lacking = [one for one in watch.payloads if one >= found.start and one not in seen]
    too_old = [one for one in lacking if found.first is not None and one < found.first]
    missing = sorted(set(lacking) - set(too_old))
    if too_old:
        _wrong(found, "replay-too-short", f"it begins at {found.first}; {len(too_old)} live messages are older")
    if missing:
        some = ", ".join(map(str, missing[:5])) + (", …" if len(missing) > 5 else "")
        _wrong(found, "replay-incomplete", f"{len(missing)} messages that were seen live are not in it: {some}")
    came = sorted(seen)
    for first, last in watch.losses:  # as wide as the stream says: not to be walked through
        found.filled += bisect_right(came, last) - bisect_left(came, first)
    others = found.topics - set(watch.topics)
    if others and watch.topics:
        _wrong(found, "replay-topic", f"topic {sorted(others)[0]!r}; live it was {next(iter(watch.topics))!r}")


def _wrong(found: Replay, kind: str, what: str) -> None:
    if sum(one == kind for one, _ in found.wrong) < 3:
        found.wrong.append((kind, what))
