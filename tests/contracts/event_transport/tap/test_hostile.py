"""Whatever a publisher sends is counted, shown on a line and kept: nothing ends the tap, nothing is acted out."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from trueup_contracts.event_transport.codec import DIALECTS, encode
from trueup_contracts.event_transport.codec.golden import golden, malformed
from trueup_contracts.event_transport.codec.strategies import messages, planes
from trueup_contracts.event_transport.tap import jsonlines, read_capture, showing
from trueup_contracts.event_transport.tap.capture import Item, Writer
from trueup_contracts.event_transport.tap.findings import findings
from trueup_contracts.event_transport.tap.replaying import compare
from trueup_contracts.event_transport.tap.summary import show
from trueup_contracts.event_transport.tap.watching import Watch

HARMFUL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
NOISE = st.lists(st.binary(max_size=40), max_size=6).map(tuple)
GOOD = st.builds(
    lambda message, dialect: tuple(encode(message, "A", dialect)), messages(), st.sampled_from(DIALECTS)
) | planes().map(lambda message: tuple(encode(message, "B")))
KNOWN = st.sampled_from([*(case.frames for case in golden()), *(case.frames for case in malformed())])
DAMAGED = st.builds(
    lambda frames, which, at, byte: (
        tuple(
            frame[:at] + bytes([byte]) + frame[at + 1 :] if number == which % len(frames) else frame
            for number, frame in enumerate(frames)
        )
        if frames
        else frames
    ),
    KNOWN,
    st.integers(0, 3),
    st.integers(0, 200),
    st.integers(0, 255),
)
STREAMS = st.lists(NOISE | GOOD | KNOWN | DAMAGED, max_size=8)


@given(STREAMS, st.sampled_from(["A", "B", "auto"]), st.floats(-1e300, 1e300))
@settings(max_examples=120, deadline=None)
def test_any_stream_is_told(stream: Sequence[tuple[bytes, ...]], format: str, at: float) -> None:
    watch = Watch("tcp://h:1", format)
    printed: list[str] = []
    output = showing.Plain(printed.append)
    for frames in stream:
        seen = watch.take(0, at, frames)
        for line in showing.lines(seen, several=True):
            output.line(line)
        for told in jsonlines.objects(seen, watch.endpoint):
            jsonlines.write(printed.append, told)
            json.loads(printed[-1])
    replay = compare(0, [(b"", *frames[1:]) for frames in stream], watch)
    found = findings(watch, live=True, topic="kv", replay=replay)
    show(output, watch, replay, found)
    jsonlines.write(printed.append, jsonlines.summary(watch, replay, found))
    assert watch.messages == len(stream)
    assert all(text.count("\n") == 1 and text.endswith("\n") for text in printed)
    assert HARMFUL.search("".join(printed)) is None


@given(STREAMS)
@settings(max_examples=60, deadline=None)
def test_any_stream_is_kept_as_it_was(stream: Sequence[tuple[bytes, ...]]) -> None:
    whole = [frames for frames in stream if frames]
    with tempfile.TemporaryDirectory() as folder:  # a fixture would be one for all examples
        path = Path(folder) / "kv.jsonl"
        writer = Writer(str(path), ["tcp://h:1"], "\x1b", "auto", 0.0)
        for number, frames in enumerate(whole):
            writer.add(Item(float(number), 0, frames=frames))
        writer.close()
        assert read_capture(path).messages() == whole
