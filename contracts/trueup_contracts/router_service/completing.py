"""`/v1/completions`, OpenAI's form with token ids for text: RS-041 to RS-044."""

from __future__ import annotations

import json
from typing import Any

from trueup_contracts import requirement
from trueup_contracts.router_service import formats, grids, protocol
from trueup_contracts.router_service.client import Stream
from trueup_contracts.router_service.fleet import Fleet, fleet
from trueup_contracts.router_service.steps import Error, Finish, Gate, Hold, Item, Status, Step
from trueup_contracts.subject import Subject

TOKENS = [[7], [8, 9], [10]]
FLAT = [token for one in TOKENS for token in one]
STEPS: list[Step] = [*(Item(one) for one in TOKENS), Finish("stop")]


def _complete(served: Fleet, **changes: Any) -> Stream:
    body = {"model": "reference", "prompt": [11, 12, 13, 14], "max_tokens": 4, **changes}
    return served.router.post(protocol.COMPLETIONS, body)


def _chunks(stream: Stream) -> list[str]:
    """The data of a stream's events, which bear no names."""
    __tracebackhide__ = True
    events = stream.whole()
    kind = stream.headers.get("content-type", "")
    assert kind.startswith("text/event-stream"), f"a stream of completions has the type {kind!r}"
    named = [event.name for event in events if event.name != "message"]
    assert not named, f"events of a stream of completions have names: {named[:3]}"
    return [event.text for event in events]


def _check_chunk(text: str) -> dict[str, Any]:
    __tracebackhide__ = True
    try:
        found: dict[str, Any] = json.loads(text)
    except ValueError as error:
        raise AssertionError(f"a chunk of completions is no JSON ({error}): {text[:300]!r}") from error
    formats.check("completion_chunk", found, "a chunk of completions")
    return found


@requirement("RS-041")
def test_a_streamed_completion(trueup_subject: Subject) -> None:
    with fleet(trueup_subject, grids.plain(trueup_subject)) as served:
        served.last[0].script(*STEPS)
        *texts, last = _chunks(_complete(served, stream=True)) or [""]
        assert last == "[DONE]", f"the stream ends in {last[:300]!r}; [DONE] is due"
        chunks = [_check_chunk(text) for text in texts]
        choices = [choice for chunk in chunks for choice in chunk["choices"]]
        assert len({chunk["id"] for chunk in chunks}) == 1, f"ids of one completion's chunks: {chunks[:3]}"
        tokens = [token for choice in choices for token in choice["token_ids"]]
        assert tokens == FLAT, f"the token ids are {tokens}; {FLAT} are due"
        text = "".join(choice["text"] for choice in choices)
        assert text == " ".join(map(str, FLAT)), f"the texts are {text!r} together"
        reasons = [choice["finish_reason"] for choice in choices]
        assert reasons[-1:] == ["stop"], f"finish_reason of the chunks: {reasons}; at the end the worker's, stop"
        assert not any(reasons[:-1]), f"finish_reason of the chunks: {reasons}; before the end there is none"


@requirement("RS-042")
def test_a_completions_items_come_as_they_are_made(trueup_subject: Subject) -> None:
    with fleet(trueup_subject, grids.plain(trueup_subject)) as served:
        gate = Gate()
        served.last[0].script(Item([7]), Hold(gate), Finish())
        stream = _complete(served, stream=True)
        served.until_reached(gate)
        what = "the chunk of an item that the worker has sent before it pauses"
        served.until(lambda: any('"token_ids"' in event.text for event in stream.events), what)
        gate.open()
        stream.whole()


@requirement("RS-043")
def test_a_whole_completion(trueup_subject: Subject) -> None:
    with fleet(trueup_subject, grids.plain(trueup_subject)) as served:
        served.last[0].script(*STEPS)
        for changes in ({}, {"stream": False}, {"prompt": [[11, 12, 13, 14]]}):
            answer = _complete(served, **changes).wait()
            assert answer.status == 200, answer.told
            formats.check("completion", answer.json, "a completion")
            [choice] = answer.json["choices"]
            assert choice["token_ids"] == FLAT, f"the token ids are {choice['token_ids']}; {FLAT} are due"
            assert choice["text"] == " ".join(map(str, FLAT)), f"the text is {choice['text']!r}"
            assert choice["finish_reason"] == "stop", f"finish_reason is {choice['finish_reason']!r}"
            usage = answer.json["usage"]
            due = {"prompt_tokens": 4, "completion_tokens": len(FLAT), "total_tokens": 4 + len(FLAT)}
            assert {name: (usage or {}).get(name) for name in due} == due, f"usage is {usage}; {due} is due"


@requirement("RS-044")
def test_a_completion_that_fails(trueup_subject: Subject) -> None:
    """Streamed, its last chunk is the error, whether items went before or not; whole, it has a status of its own."""
    with fleet(trueup_subject, grids.plain(trueup_subject)) as served:
        worker = served.last[0]
        for steps in ([Item([7]), Error()], [Status(500)]):
            worker.script(*steps)
            texts = _chunks(_complete(served, stream=True))
            assert texts, "a completion that fails is an empty stream"
            last = texts[-1]
            assert last.startswith("{"), f"a completion that fails ends in {last[:300]!r}; an error is due"
            formats.check("error", json.loads(last), "the last chunk of a completion that fails")
            assert "[DONE]" not in texts, "a completion that fails says [DONE]"
            error = _complete(served).refused(502)
            assert error.get("code") == "worker_failed", f"the error is {error}; worker_failed is due"
        error = _complete(served, prompt=[1, "x"]).refused(400)
        assert error.get("code") == "invalid_request", f"the error is {error}; invalid_request is due"
