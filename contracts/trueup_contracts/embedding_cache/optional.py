"""What capabilities promise: deltas, pins, shrinking, computing, shared storage, metrics: EC-060 to EC-101."""

from __future__ import annotations

import threading
from typing import Any

from hypothesis import strategies as st

from trueup_contracts import requirement
from trueup_contracts.embedding_cache.calls import Cache
from trueup_contracts.embedding_cache.fill import Fill, told
from trueup_contracts.embedding_cache.model import Model, agrees
from trueup_contracts.errors import AdapterError, Refusal
from trueup_contracts.pool import Threads
from trueup_contracts.profile import Profile
from trueup_contracts.subject import Subject

WAIT_S = 5.0  # for a signal that must come, before it is scaled
LEFT_S = 60.0  # for a computation that nobody lets go: the test has failed long before


class _Counted:
    """A computation that counts its calls, and may wait until it is let go."""

    def __init__(self, fill: Fill, *, error: Exception | None = None, waits: bool = False) -> None:
        self.fill = fill
        self.error = error
        self.calls = 0
        self.entered = threading.Event()
        self.gate = threading.Event()
        self._lock = threading.Lock()
        if not waits:
            self.gate.set()

    def __call__(self) -> Any:
        with self._lock:
            self.calls += 1
        self.entered.set()
        assert self.gate.wait(LEFT_S), "nobody let the computation go"
        if self.error is not None:
            raise self.error
        return self.fill.tensor()

    def __repr__(self) -> str:
        return f"lambda: {self.fill!r}"


@requirement("EC-060")
def test_what_is_absent_is_computed_once(trueup_subject: Subject) -> None:
    cache = Cache(trueup_subject, 100)
    compute = _Counted(cache.fill(1, 10))
    for _ in range(3):
        found = told(cache.call("get_or_compute", key="a", compute=compute))
        assert found == compute.fill.told(), f"get_or_compute answered {found}"
    assert compute.calls == 1, f"computed {compute.calls} times"
    assert cache.get("a") == compute.fill.told()


@requirement("EC-061")
def test_threads_wait_for_one_computation(trueup_subject: Subject) -> None:
    cache, wait_s = Cache(trueup_subject, 100), WAIT_S * trueup_subject.scale
    compute = _Counted(cache.fill(1, 10), waits=True)
    with Threads() as pool:
        first = pool.submit(cache.call, "get_or_compute", key="a", compute=compute)
        assert compute.entered.wait(wait_s), "the computation was never begun"
        others = [pool.submit(cache.call, "get_or_compute", key="a", compute=compute) for _ in range(7)]
        free = _Counted(cache.fill(2, 10))
        another = pool.submit(cache.call, "get_or_compute", key="b", compute=free)
        try:
            assert told(another.result(wait_s)) == free.fill.told()
        except TimeoutError:
            raise AssertionError("another key waits for this one's computation") from None
        finally:
            compute.gate.set()
        answers = [told(one.result(wait_s)) for one in (first, *others)]
    assert compute.calls == 1, f"eight threads missed on one key, and it was computed {compute.calls} times"
    assert all(one == compute.fill.told() for one in answers)


@requirement("EC-062")
def test_a_failed_computation_is_told_and_not_kept(trueup_subject: Subject) -> None:
    cache, wait_s = Cache(trueup_subject, 100), WAIT_S * trueup_subject.scale
    failing = _Counted(cache.fill(1, 10), error=ValueError("no such image"), waits=True)
    with Threads() as pool:
        first = pool.submit(cache.call, "get_or_compute", key="a", compute=failing)
        assert failing.entered.wait(wait_s), "the computation was never begun"
        others = [pool.submit(cache.call, "get_or_compute", key="a", compute=failing) for _ in range(3)]
        failing.gate.set()
        for one in (first, *others):
            error = one.exception(wait_s)
            assert isinstance(error, Refusal | AdapterError), f"the computation failed, and a caller got {error!r}"
            assert "no such image" in str(error), f"the computation's words are lost: {error}"
    assert not cache.has("a")
    working = _Counted(cache.fill(1, 10))
    found = told(cache.call("get_or_compute", key="a", compute=working))
    assert found == working.fill.told(), "after a failed computation the key is not computed again"


@requirement("EC-063")
def test_a_result_that_is_too_large_is_handed_out(trueup_subject: Subject) -> None:
    cache = Cache(trueup_subject, 100)
    cache.set("a", cache.fill(1, 50))
    compute = _Counted(cache.fill(2, 101))
    found = told(cache.call("get_or_compute", key="big", compute=compute))
    assert found == compute.fill.told(), f"get_or_compute answered {found}"
    assert not cache.has("big")
    assert cache.has("a")


@requirement("EC-070")
def test_a_mirror_of_the_deltas_has_the_same_keys(trueup_subject: Subject, trueup_profile: Profile) -> None:
    def test(steps: list[tuple[str, int]]) -> None:
        cache, mirror = Cache(trueup_subject, 20), set[str]()
        for number, (key, size) in enumerate(steps):
            stored, added, removed = cache.call("set_with_delta", key=key, tensor=cache.fill(number, size))
            for gone in removed:
                assert gone in mirror, f"{gone!r} is told as removed, and was not there: {sorted(mirror)}"
                mirror.discard(gone)
            for new in added:
                assert new not in mirror, f"{new!r} is told as added, and was there: {sorted(mirror)}"
                mirror.add(new)
            there = {one for one in "abcd" if cache.has(one)}
            assert mirror == there, (
                f"after set_with_delta({key!r}, {size} bytes): mirror {sorted(mirror)}, cache {sorted(there)}"
            )
            assert stored == (size <= 20), f"{size} bytes of 20: stored is {stored!r}"

    sizes = st.integers(0, 12) | st.sampled_from([19, 20, 21])
    step = st.tuples(st.sampled_from("abcd"), sizes)
    steps = st.integers(0, 20).flatmap(lambda number: st.lists(step, min_size=number, max_size=number))
    trueup_profile.check(test, steps=steps)


@requirement("EC-071")
def test_deltas_of_overwrites_and_refusals(trueup_subject: Subject) -> None:
    cache = Cache(trueup_subject, 100)
    for key, size, expected in (
        ("a", 40, (True, ["a"], [])),
        ("b", 40, (True, ["b"], [])),
        ("a", 50, (True, [], [])),
        ("a", 101, (False, [], [])),
        ("c", 101, (False, [], [])),
        ("c", 30, (True, ["c"], ["b"])),
        ("a", 80, (True, [], ["c"])),
    ):
        stored, added, removed = cache.call("set_with_delta", key=key, tensor=cache.fill(size, size))
        found = (stored, list(added), list(removed))
        assert found == expected, f"set_with_delta({key!r}, {size} bytes) answered {found}, expected {expected}"


@requirement("EC-080")
def test_pinned_entries_are_not_evicted(trueup_subject: Subject) -> None:
    cache = Cache(trueup_subject, 100)
    for key in "abc":
        cache.set(key, cache.fill(ord(key), 30))
    assert cache.call("pin", key="a") is True
    for number in range(10):
        assert cache.set(f"new {number}", cache.fill(number, 30 + number)), "there was room beside the pinned entry"
        assert cache.has("a"), f"the pinned entry was evicted for {30 + number} bytes"
    cache.set("all but a", cache.fill(1, 80))  # there is no room for it
    assert cache.has("a"), "the pinned entry was evicted for 80 bytes beside its 30 of 100"
    assert cache.get("a") == cache.fill(ord("a"), 30).told()
    assert cache.current_bytes <= 100


@requirement("EC-081")
def test_pins_are_counted(trueup_subject: Subject) -> None:
    cache = Cache(trueup_subject, 100)
    cache.set("a", cache.fill(1, 50))
    for _ in range(3):
        assert cache.call("pin", key="a") is True
    for left in (2, 1):
        cache.call("unpin", key="a")
        stored = cache.set("b", cache.fill(2, 60))
        assert not stored, f"with {left} pins left the entry made room"
        assert cache.has("a")
    cache.call("unpin", key="a")
    assert cache.set("b", cache.fill(2, 60)), "without pins the entry can be evicted"
    assert not cache.has("a")


@requirement("EC-082")
def test_no_room_beside_pins_is_a_refusal(trueup_subject: Subject) -> None:
    cache, model = Cache(trueup_subject, 100), Model(100)
    for key, size in (("a", 40), ("b", 40), ("c", 10)):
        cache.set(key, cache.fill(size, size))
        model.set(key, cache.fill(size, size))
    for key in "ab":
        cache.call("pin", key=key)
    for key, size in (("d", 21), ("c", 30), ("d", 100)):
        assert not cache.set(key, cache.fill(size, size)), f"{size} bytes beside 80 pinned ones of 100"
        agrees(cache, model, "abcd")
    for size in (1, 40):
        assert not cache.set("a", cache.fill(9, size)), "a pinned entry was overwritten"
        agrees(cache, model, "abcd")
    assert cache.get("a") == cache.fill(40, 40).told()


@requirement("EC-083")
def test_pins_of_what_is_not_there(trueup_subject: Subject) -> None:
    cache = Cache(trueup_subject, 100)
    cache.set("a", cache.fill(1, 50))
    assert cache.call("pin", key="absent") is False
    for key in ("a", "absent"):
        _must_refuse_unpin(cache, key)
    cache.call("pin", key="a")
    cache.call("unpin", key="a")
    _must_refuse_unpin(cache, "a")
    # A release too many must not be owed: one pin still holds.
    cache.call("pin", key="a")
    assert not cache.set("b", cache.fill(2, 60)), "a pinned entry made room after an unpin too many"
    assert cache.has("a")


def _must_refuse_unpin(cache: Cache, key: str) -> None:
    try:
        found = cache.call("unpin", key=key)
    except Refusal as refusal:
        assert refusal.code == "invalid", f"unpin({key!r}) was refused as {refusal.code!r}, not as 'invalid'"
    else:
        raise AssertionError(f"unpin({key!r}) of what is not pinned answered {found!r}; it must be refused")


@requirement("EC-084")
def test_clear_leaves_pinned_entries(trueup_subject: Subject) -> None:
    cache = Cache(trueup_subject, 100)
    for key in "abc":
        cache.set(key, cache.fill(ord(key), 10))
    cache.call("pin", key="b")
    found = list(cache.call("clear") or ["a", "c"])
    assert found == ["a", "c"], f"clear() answered {found}; b is pinned"
    assert [key for key in "abc" if cache.has(key)] == ["b"]
    assert (len(cache), cache.current_bytes) == (1, 10)


@requirement("EC-090")
def test_shrinking_evicts_the_least_recent(trueup_subject: Subject) -> None:
    for size, gone in (
        (100, []),
        (30, []),
        (29, ["b"]),
        (20, ["b"]),
        (10, ["b", "c"]),
        (1, ["b", "c", "a"]),
        (0, None),
    ):
        cache = Cache(trueup_subject, 100)
        for key in "abc":
            cache.set(key, cache.fill(ord(key), 10))
        cache.get("a")
        expected = ["b", "c", "a"] if gone is None else gone
        found = list(cache.call("shrink_to", bytes=size))
        assert found == expected, f"b, c and a of 10 bytes: shrink_to({size}) answered {found}, expected {expected}"
        assert cache.current_bytes == 30 - 10 * len(expected)
        assert cache.call("capacity_bytes") == 100, "shrinking is no change of the capacity"


@requirement("EC-095")
def test_shared_storage_is_counted_once(trueup_subject: Subject) -> None:
    import torch

    cache = Cache(trueup_subject, 1_000)
    base = torch.arange(60, dtype=torch.uint8)
    for key, view in (("a", base[:20]), ("b", base[20:]), ("c", base)):
        assert cache.set(key, view), f"{key} shares the 60 bytes that are there already"
        assert cache.current_bytes == 60, f"views of one storage of 60 bytes: current_bytes is {cache.current_bytes}"
    cache.set("a", cache.fill(1, 5))
    assert cache.current_bytes == 65, "two views of the storage are left"
    cache.set("b", cache.fill(2, 5))
    cache.set("c", cache.fill(3, 5))
    assert cache.current_bytes == 15, "no view of the storage is left"
    _room_is_made_by_the_last_view_alone(trueup_subject)


def _room_is_made_by_the_last_view_alone(subject: Subject) -> None:
    import torch

    # By another entry that is one byte too large to stay beside the storage, and by one under the key of a view.
    for key, size_bytes in (("c", 41), ("a", 41)):
        cache = Cache(subject, 100)
        base = torch.arange(60, dtype=torch.uint8)
        for name, view in (("a", base[:20]), ("b", base[20:])):
            assert cache.set(name, view)
        assert cache.set(key, cache.fill(1, size_bytes)), f"{size_bytes} bytes fit when both views are gone"
        told = f"views a and b of one storage of 60 bytes, then {key} of {size_bytes} bytes"
        assert cache.current_bytes == size_bytes, f"{told}: current_bytes is {cache.current_bytes}"
        assert not cache.has("b"), f"{told}: b keeps 60 bytes alive, and there is no room for them"


@requirement("EC-100")
def test_metrics_are_an_exposition_without_keys(trueup_subject: Subject) -> None:
    cache = Cache(trueup_subject, 100)
    for number in range(5):
        cache.set(f"secret-{number}", cache.fill(number, 30))
        cache.get(f"secret-{number}")
    text, samples = _samples(cache)
    assert "secret" not in text, "a key stands in the metrics"
    assert any(value == cache.current_bytes for value in samples.values()), f"no sample is current_bytes: {samples}"
    assert any(value == len(cache) for value in samples.values()), f"no sample is the number of entries: {samples}"


@requirement("EC-101")
def test_gauges_return_to_zero(trueup_subject: Subject) -> None:
    cache = Cache(trueup_subject, 4096)
    before = _gauges(cache)
    for number in range(7):
        cache.set(f"key {number}", cache.fill(number, 131))
    assert _gauges(cache) != before, "no gauge shows that there are entries"
    cache.call("clear")
    after = _gauges(cache)
    assert after == before, f"gauges were {before} and are {after} after clear()"


def _samples(cache: Cache) -> tuple[str, dict[str, float]]:
    from prometheus_client.parser import text_string_to_metric_families

    text = bytes(cache.call("metrics_text")).decode("utf-8")
    families = list(text_string_to_metric_families(text))
    return text, {str(sample): sample.value for family in families for sample in family.samples}


def _gauges(cache: Cache) -> dict[str, float]:
    from prometheus_client.parser import text_string_to_metric_families

    text = bytes(cache.call("metrics_text")).decode("utf-8")
    return {
        f"{sample.name}{sorted(sample.labels.items())}": sample.value
        for family in text_string_to_metric_families(text)
        if family.type == "gauge"
        for sample in family.samples
    }
