"""What is refused, and that nothing has changed then: KX-120 to KX-131."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from trueup_contracts import requirement
from trueup_contracts.errors import Refusal
from trueup_contracts.kv_index.calls import Index, Trial
from trueup_contracts.kv_index.codec import Sent
from trueup_contracts.kv_index.naming import path
from trueup_contracts.kv_index.steps import event, removed, stored, told
from trueup_contracts.subject import Subject

ONE, TWO = (1, 0), (2, 0)
Q = path("q")[0]
LARGEST = (1 << 64) - 1
NO_HASHES: list[Any] = [-1, LARGEST + 1, 1 << 80, 1.5, "7", True, [7], {}]


def _refused(call: Callable[[], Any], what: str) -> None:
    """The call must be refused as invalid."""
    __tracebackhide__ = True
    try:
        answer = call()
    except Refusal as refusal:
        assert refusal.code == "invalid", f"{what} was refused as {refusal.code!r}, not as 'invalid': {refusal.message}"
    else:
        raise AssertionError(f"{what} was taken{f', and answered by {answer!r}' if answer is not None else ''}")


def _refuses_events(subject: Subject, wrong: Iterator[tuple[str, Any]] | Mapping[str, Any]) -> None:
    """Each of these must be refused, and change nothing."""
    __tracebackhide__ = True
    trial = Trial(subject)
    trial.store(ONE, "abc")
    trial.store(TWO, "ax")
    for what, one in wrong.items() if isinstance(wrong, Mapping) else wrong:
        _refused(lambda one=one: trial.apply(one), what)  # type: ignore[misc]
        trial.agrees("q", is_counted=True)


def _block(name: Any = Q, local: Any = Q) -> dict[str, Any]:
    return {"block_hash": name, "tokens_hash": local}


def _store(*blocks: Any, parent: Any = None) -> dict[str, Any]:
    return {"stored": {"parent_hash": parent, "blocks": list(blocks)}}


@requirement("KX-120")
def test_an_unknown_parent_is_refused(trueup_subject: Subject) -> None:
    trial = Trial(trueup_subject)
    trial.store(ONE, "abc")
    trial.store(TWO, "abcd")
    trial.remove(ONE, "abc")
    for what, parent in {
        "that nobody stored": Q,
        "that only another worker holds": trial.naming.name(TWO, path("abcd")),
    }.items():
        _refused(lambda parent=parent: trial.apply(event(ONE, _store(_block(), parent=parent))), f"a parent {what}")  # type: ignore[misc]
    gone = trial.naming.name(ONE, path("abc"))
    _refused(lambda: trial.apply(event(ONE, _store(_block(), parent=gone))), "a parent that the worker has removed")
    trial.agrees(is_counted=True)


@requirement("KX-121")
def test_malformed_events_are_refused(trueup_subject: Subject) -> None:
    good = event(ONE, _store(_block()))
    inner = good["event"]
    wrong: dict[str, Any] = {
        "no event at all": None,
        "a text": "cleared",
        "a list": [good],
        "an event without worker_id": {"event": inner},
        "an event without its event": {"worker_id": 1},
        "an event whose event is a text": {"worker_id": 1, "event": "cleared"},
        "an event without data": {"worker_id": 1, "event": {"event_id": 0, "dp_rank": 0}},
        "an event without dp_rank": {"worker_id": 1, "event": {"event_id": 0, "data": _store(_block())}},
    }
    data: dict[str, Any] = {
        "None": None,
        "an unknown word": "clear",
        "an unknown kind": {"moved": {"block_hashes": [Q]}},
        "nothing": {},
        "a list": [],
        "stored and removed at once": {**_store(_block()), **removed([path("abc")[0]])},
        "a store that is a list": {"stored": [_block()]},
        "a store without blocks' list": {"stored": {"parent_hash": None}},
        "a store of a mapping": {"stored": {"parent_hash": None, "blocks": {"block_hash": Q, "tokens_hash": Q}}},
        "a store of a bare hash": _store(Q),
        "a block without tokens_hash": _store({"block_hash": Q}),
        "a block without block_hash": _store({"tokens_hash": Q}),
        "a removal of a bare hash": {"removed": {"block_hashes": Q}},
        "a removal without hashes": {"removed": {}},
        "a removal that is a list": {"removed": [Q]},
        "a removal of a text": {"removed": {"block_hashes": "abc"}},
    }
    wrong |= {f"data that is {what}": event(ONE, one) for what, one in data.items()}
    _refuses_events(trueup_subject, wrong)


@requirement("KX-122")
def test_ids_that_are_none_are_refused(trueup_subject: Subject) -> None:
    wrong: dict[str, Any] = {}
    for one in (-1, LARGEST + 1, LARGEST + 2, 1.0, "1", None, True):
        wrong[f"worker_id {one!r}"] = {"worker_id": one, "event": event(ONE, _store(_block()))["event"]}
        wrong[f"cleared of worker_id {one!r}"] = {"worker_id": one, "event": event(ONE, "cleared")["event"]}
    for one in (-1, 1 << 32, (1 << 32) + 1, 0.0, "0", None, False):
        wrong[f"dp_rank {one!r}"] = {"worker_id": 1, "event": {**event(ONE, _store(_block()))["event"], "dp_rank": one}}
        wrong[f"cleared of dp_rank {one!r}"] = {
            "worker_id": 1,
            "event": {**event(ONE, "cleared")["event"], "dp_rank": one},
        }
    _refuses_events(trueup_subject, wrong)


@requirement("KX-123")
def test_hashes_outside_64_bits_are_refused(trueup_subject: Subject) -> None:
    wrong: dict[str, Any] = {}
    known = path("a")[0]
    for one in NO_HASHES:
        wrong[f"block_hash {one!r}"] = event(ONE, _store(_block(name=one)))
        wrong[f"tokens_hash {one!r}"] = event(ONE, _store(_block(local=one)))
        wrong[f"parent_hash {one!r}"] = event(ONE, _store(_block(), parent=one))
        wrong[f"a removal of {one!r}"] = event(ONE, removed([known, one]))
    _refuses_events(trueup_subject, wrong)
    trial = Trial(trueup_subject)
    trial.store(ONE, "abc")
    for one in (*NO_HASHES, None):
        for request in ([one], [known, one]):
            _refused(lambda request=request: trial.matches(request), f"a request of {request!r}")  # type: ignore[misc]


@requirement("KX-124")
def test_a_store_without_blocks_is_refused(trueup_subject: Subject) -> None:
    known = path("a")[0]
    _refuses_events(
        trueup_subject,
        {
            "a store of no blocks": event(ONE, _store()),
            "a store of no blocks below another": event(ONE, _store(parent=known)),
        },
    )


@requirement("KX-125")
def test_a_block_in_its_own_chain_is_refused(trueup_subject: Subject) -> None:
    trial = Trial(trueup_subject)
    a, ab = (trial.naming.name(ONE, path(text)) for text in ("a", "ab"))
    wrong: dict[str, Any] = {
        "a block that is its own parent": event(ONE, _store(_block(name=a), parent=a)),
        "a block below itself": event(ONE, _store(_block(name=9, local=Q), _block(name=9, local=Q), parent=ab)),
        "a block twice in an event": event(ONE, _store(_block(name=8), _block(name=9), _block(name=8))),
        "a parent behind its child": event(ONE, _store(_block(name=9), _block(name=ab), parent=ab)),
    }
    _refuses_events(trueup_subject, wrong)


@requirement("KX-126")
def test_a_refused_event_changes_nothing(trueup_subject: Subject) -> None:
    trial = Trial(trueup_subject)
    trial.store(ONE, "abc")
    trial.store(TWO, "ab")
    names = [trial.naming.name(ONE, path(text)) for text in ("q", "qr", "qrs")]
    good = [_block(name, local) for name, local in zip(names, path("qrs"), strict=True)]
    for what, one in {
        "a store whose last tokens_hash is none": event(ONE, _store(*good, _block(name=5, local=-1))),
        "a store whose last block_hash is none": event(ONE, _store(*good, _block(name=LARGEST + 1))),
        "a store whose last block is none": event(ONE, _store(*good, None)),
        "a store that ends in its first block": event(ONE, _store(*good, good[0])),
        "a removal whose last hash is none": event(ONE, removed([trial.naming.name(ONE, path("abc")), -1])),
    }.items():
        _refused(lambda one=one: trial.apply(one), what)  # type: ignore[misc]
        trial.agrees("qrs", is_counted=True)
    # An ancestor below its own descendant: refused, or taken for what is stored already; never a cycle.
    below, ancestor = trial.naming.name(ONE, path("abc")), trial.naming.name(ONE, path("a"))
    try:
        trial.apply(event(ONE, _store(_block(ancestor, path("a")[0]), parent=below)))
    except Refusal as refusal:
        assert refusal.code == "invalid", f"an ancestor below its descendant was refused as {refusal.code!r}"
    trial.agrees("abcabcabc"[:3], is_counted=True)
    trial.remove(ONE, "abc", "ab", "a")
    trial.agrees(is_counted=True)


@requirement("KX-128")
def test_after_close_every_call_is_refused(trueup_subject: Subject) -> None:
    trial = Trial(trueup_subject)
    trial.store(ONE, "abc")
    trial.handle.call("close")
    calls: dict[str, Callable[[], Any]] = {
        "apply": lambda: trial.apply(event(ONE, "cleared")),
        "find_matches": lambda: trial.matches(path("a")),
        "remove_worker": lambda: trial.remove_worker(1),
        "tracked_blocks": lambda: trial.count,
    }
    for name, call in calls.items():
        try:
            answer = call()
        except Refusal as refusal:
            assert refusal.code == "closed", f"{name} after close was refused as {refusal.code!r}, not as 'closed'"
        else:
            raise AssertionError(f"{name} after close answered {answer!r}")
    trial.handle.call("close")  # once more is no error


@requirement("KX-129")
def test_a_block_size_that_is_none_is_refused(trueup_subject: Subject) -> None:
    for size in (0, -1, -16, 1.5, 16.0, "16", None, True, [16]):
        _refused(lambda size=size: Index(trueup_subject, size) and None, f"block_size={size!r}")  # type: ignore[misc]
    Index(trueup_subject, 1)


@requirement("KX-130")
def test_a_request_that_is_no_list_of_hashes_is_refused(trueup_subject: Subject) -> None:
    trial = Trial(trueup_subject)
    trial.store(ONE, "abc")
    for request in (None, "abc", "", 7, {"a": 1}, [[path("a")[0]]], [None]):
        _refused(
            lambda request=request: trial.handle.call("find_matches", local_hashes=Sent("local_hashes", request)),  # type: ignore[misc]
            f"a request of {request!r}",
        )
    trial.agrees(is_counted=True)


@requirement("KX-131")
def test_what_is_handed_out_or_in_is_nobody_s_state(trueup_subject: Subject) -> None:
    trial = Trial(trueup_subject)
    handed = event(ONE, stored(None, [(one, one) for one in path("a")]))
    trial.store(TWO, "a")
    trial.apply(handed)
    due = {ONE: 1, TWO: 1}
    for request in (path("a"), path("ab"), ()):
        answer = trial.handle.call("find_matches", local_hashes=Sent("local_hashes", list(request)))
        if isinstance(answer, dict):
            answer[9, 9] = 9
            answer.pop(TWO, None)
        elif isinstance(answer, list):
            answer.clear()
        found = trial.matches(path("a"))
        assert found == due, f"its answer was changed, and the next one is {told(found)}, expected {told(due)}"
    handed["event"]["data"]["stored"]["blocks"][0]["tokens_hash"] = Q
    handed["event"]["data"]["stored"]["blocks"].append(_block())
    handed["worker_id"] = 3
    found = trial.matches(path("a"))
    assert found == due, (
        f"an event was changed after it was applied, and a request matches {told(found)}, expected {told(due)}"
    )
    hashes = list(path("a"))
    trial.handle.call("find_matches", local_hashes=Sent("local_hashes", hashes))
    assert hashes == list(path("a")), f"the request that was handed in was changed: it is {hashes}"
