"""What was seen at an endpoint, in the end: a table of names and values, and the findings."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from trueup.reports.escape import visible
from trueup_contracts.event_transport.codec.fields import BLOCK_STORED
from trueup_contracts.event_transport.tap.findings import ERROR, Finding
from trueup_contracts.event_transport.tap.replaying import Replay
from trueup_contracts.event_transport.tap.sequences import DUPLICATE, GAP, OUT_OF_ORDER, RESTART, UNCERTAIN
from trueup_contracts.event_transport.tap.showing import Output
from trueup_contracts.event_transport.tap.watching import Watch

SPEAKERS = {
    "array": "vLLM before 0.24, SGLang before #37482, ATOM",
    "map": "vLLM's main for a time after #42892",
    "array_of_maps": "vLLM since 0.24, SGLang since #37482, TensorRT-LLM",
}
_WIDTH = 12


def show(output: Output, watch: Watch, replay: Replay | None, found: Sequence[Finding]) -> None:
    """The summary of an endpoint."""
    output.line([("", "")])
    output.line([(visible(watch.endpoint), "bold")])
    for name, value, style in rows(watch, replay):
        output.line([(f"  {name:<{_WIDTH}}", "dim"), (visible(value), style)])
    if found:
        output.line([("", "")])
    for one in found:
        style = "red" if one.level == ERROR else "yellow"
        output.line([(f"  {one.level:<{_WIDTH}}", f"bold {style}"), (f"{one.kind}: ", "bold"), (visible(one.what), "")])


def rows(watch: Watch, replay: Replay | None) -> Iterator[tuple[str, str, str]]:
    """Name, value and style of each line."""
    if watch.format is None:
        yield "messages", f"{watch.messages} ({watch.malformed} malformed)" if watch.messages else "none", "bold red"
        return
    yield "format", _format(watch), "bold"
    yield "messages", _messages(watch), ""
    if watch.events:
        yield "events", ", ".join(_events(watch)), ""
    if watch.events and watch.resident is not None:
        yield "resident", f"{_many(len(watch.resident), 'block')} stored here and not removed since", ""
    yield from _kinds(watch)
    lost = f"{watch.notes[GAP]} ({_many(watch.missed, 'message')})" if watch.notes[GAP] else "none"
    yield "gaps", lost, "bold red" if watch.notes[GAP] else "green"
    restarts = ", ".join(
        f"{watch.notes[kind]} {kind}" for kind in (RESTART, UNCERTAIN, DUPLICATE, OUT_OF_ORDER) if watch.notes[kind]
    )
    yield "restarts", restarts or "none", "bold yellow" if restarts else "green"
    bad = f"{watch.malformed:,}" if watch.malformed else "none"
    yield "malformed", bad, "bold red" if watch.malformed else "green"
    if watch.ages:
        age = statistics.median(watch.ages)
        yield "age", f"{_span(age)} from ts to receipt (median; most {_span(max(watch.ages))})", ""
    if watch.disconnections:
        yield "connections", f"{watch.connections}, lost {_many(watch.disconnections, 'time')}", "yellow"
    if replay is not None:
        yield "replay", _replay(watch, replay), "bold red" if replay.wrong else "green"


def _format(watch: Watch) -> str:
    if watch.format == "B":
        return f"B (event plane), {_many(len(watch.publishers), 'publisher')}"
    dialects = watch.speech.dialects
    if not dialects:
        return "A, no event yet"
    if len(dialects) == 1:
        name = next(iter(dialects))
        return f"A, {name}" + (f" ({SPEAKERS[name]})" if name in SPEAKERS else "")
    return "A, " + ", ".join(f"{name} x {count}" for name, count in dialects.most_common())


def _messages(watch: Watch) -> str:
    took_s = (watch.ended or 0) - (watch.began or 0)
    good = watch.messages - watch.malformed
    rate = f", {good / took_s:,.1f}/s" if took_s > 0.5 and good > 1 else ""
    return f"{good:,} ({_size(watch.size_bytes)}{rate}), sequence {watch.first} to {watch.last}"


def _events(watch: Watch) -> Iterator[str]:
    for tag, count in watch.events.most_common(8):
        blocks = f" ({_many(watch.blocks[tag], 'block')})" if watch.blocks[tag] else ""
        yield f"{count:,} {tag}{blocks}"


def _kinds(watch: Watch) -> Iterator[tuple[str, str, str]]:
    speech = watch.speech
    if speech.shapes and "array" in speech.dialects:
        shapes = [f"{tag} {' and '.join(counted)}" for tag, counted in list(speech.shapes.items())[:6]]
        yield "shapes", ", ".join(shapes), ""
    if watch.events[BLOCK_STORED]:
        kinds = ", ".join(speech.hash_kinds) or "integers below 2^63"
        yield "hashes", kinds, ""
        added = speech.added()
        if added:
            yield "fields", ", ".join(f"{name} ({since})" for name, since in added.items()), ""
    for name, heading in (("medium", "media"), ("group_idx", "groups"), ("lora_name", "adapters")):
        if watch.values.get(name):
            yield heading, _counted(watch.values[name]), ""
    if watch.ranks:
        yield "ranks", _counted(watch.ranks), ""
    if any(watch.topics):
        yield "topics", _counted(watch.topics), ""


def _counted(found: Counter[str]) -> str:
    shown = ", ".join(f"{name if name else '(empty)'} x {count:,}" for name, count in found.most_common(4))
    return shown + (f", and {len(found) - 4} more" if len(found) > 4 else "")


def _replay(watch: Watch, replay: Replay) -> str:
    if not replay.count and not replay.ended:
        return "no answer"
    span = f", {replay.first} to {replay.last}" if replay.count else ""
    live = sum(one >= replay.start for one in watch.payloads)
    told = f"form {replay.form}, {_many(replay.count, 'message')}{span}; {replay.same:,} of {live:,} as seen live"
    missed = sum(last - first + 1 for first, last in watch.losses)  # since the last restart
    if missed:
        told += f"; {replay.filled:,} of the {missed:,} missing ones"
    return told


def told(watch: Watch, replay: Replay | None) -> Mapping[str, Any]:
    """The same for programs."""
    speech = watch.speech
    return {
        "endpoint": watch.endpoint,
        "format": watch.format,
        "dialects": dict(speech.dialects),
        "shapes": {tag: dict(counted) for tag, counted in speech.shapes.items()},
        "hashes": dict(speech.hash_kinds),
        "fields": {tag: dict(counted) for tag, counted in speech.fields.items()},
        "messages": watch.messages,
        "size_bytes": watch.size_bytes,
        "malformed": watch.malformed,
        "first": watch.first,
        "last": watch.last,
        "notes": dict(watch.notes),
        "missed": watch.missed,
        "events": dict(watch.events),
        "blocks": dict(watch.blocks),
        "resident": None if watch.resident is None else len(watch.resident),
        "topics": dict(watch.topics),
        "connections": watch.connections,
        "disconnections": watch.disconnections,
        "replay": None if replay is None else _replay_told(replay),
    }


def _replay_told(replay: Replay) -> dict[str, Any]:
    names = ("start", "form", "count", "first", "last", "same", "filled", "ended")
    return {name: getattr(replay, name) for name in names}


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def _span(seconds: float) -> str:
    if abs(seconds) < 1:
        return f"{seconds * 1_000:.1f} ms"
    return f"{seconds:,.1f} s"


def _size(count: int) -> str:
    for unit, size in (("MiB", 1 << 20), ("KiB", 1 << 10)):
        if count >= size:
            return f"{count / size:,.1f} {unit}"
    return f"{count} bytes"
