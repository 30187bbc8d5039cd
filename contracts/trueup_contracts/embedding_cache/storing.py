"""What is stored, counted and evicted: EC-001 to EC-025."""

from __future__ import annotations

from trueup_contracts import requirement
from trueup_contracts.embedding_cache.calls import Cache
from trueup_contracts.embedding_cache.fill import ELEMENT_BYTES, Fill
from trueup_contracts.embedding_cache.model import Model, agrees, agrees_in_stats
from trueup_contracts.subject import Subject

SHAPES = ((), (1,), (7,), (3, 5), (2, 3, 4), (1, 1, 1, 16))


@requirement("EC-001")
def test_what_comes_back_is_what_was_stored(trueup_subject: Subject) -> None:
    cache = Cache(trueup_subject, 1 << 20)
    fills = [
        Fill(seed, dtype, shape)
        for seed, (dtype, shape) in enumerate((dtype, shape) for dtype in ELEMENT_BYTES for shape in SHAPES)
    ]
    for fill in fills:
        assert cache.set(f"{fill.dtype}{fill.shape}", fill), f"{fill!r} was refused by an empty cache of 1 MiB"
    for fill in fills:
        found = cache.get(f"{fill.dtype}{fill.shape}")
        assert found == fill.told(), f"stored {fill!r}, got {found}, expected {fill.told()}"


@requirement("EC-002")
def test_an_absent_key_gets_nothing(trueup_subject: Subject) -> None:
    cache = Cache(trueup_subject, 100)
    cache.set("a", cache.fill(1, 10))
    for key in ("b", "", "A", "a "):
        assert not cache.has(key), f"{key!r} was never stored and is in the cache"
        found = cache.get(key)
        assert found is None, f"{key!r} was never stored, and get answered {found}"


@requirement("EC-003")
def test_the_ledger_is_the_sum_of_the_entries(trueup_subject: Subject) -> None:
    cache, model = Cache(trueup_subject, 100), Model(100)
    for key, size in (("a", 40), ("b", 50), ("a", 30), ("c", 20), ("c", 1), ("d", 99), ("d", 100), ("e", 7)):
        fill = cache.fill(size, size)
        assert cache.set(key, fill) == model.set(key, fill)
        agrees(cache, model, "abcde")


@requirement("EC-004")
def test_the_capacity_is_never_exceeded(trueup_subject: Subject) -> None:
    cache = Cache(trueup_subject, 64)
    for number in range(60):
        cache.set(f"key {number % 7}", cache.fill(number, number * 5 % 34))
        found = cache.current_bytes
        assert 0 <= found <= 64, f"current_bytes is {found}, the capacity 64"


@requirement("EC-005")
def test_a_tensor_that_fits_exactly_is_stored(trueup_subject: Subject) -> None:
    cache = Cache(trueup_subject, 64)
    cache.set("small", cache.fill(1, 1))
    for key in ("exact", "another", "exact"):
        fill = Fill(len(key), "float32", (16,))
        assert cache.set(key, fill), "64 bytes were refused by a cache of 64"
        assert cache.get(key) == fill.told()
        assert (len(cache), cache.current_bytes) == (1, 64)


@requirement("EC-006")
def test_a_refusal_changes_nothing(trueup_subject: Subject) -> None:
    cache, model = Cache(trueup_subject, 100), Model(100)
    for key, size in (("a", 30), ("b", 30), ("c", 30)):
        cache.set(key, cache.fill(size, size))
        model.set(key, cache.fill(size, size))
    for key in ("a", "b", "new"):  # under a key that is there, and under one that is not
        for size in (101, 102, 10_000):
            stored = cache.set(key, cache.fill(size, size))
            assert not stored, f"{size} bytes were stored in a cache of 100"
            agrees(cache, model, ["a", "b", "c", "new"])
    assert cache.order("abc") == ["a", "b", "c"], "a refusal changed the order of eviction"


@requirement("EC-007")
def test_an_overwrite_gives_its_old_bytes_back_first(trueup_subject: Subject) -> None:
    for sizes, key, size, left in (
        ((40, 50), "b", 60, "ab"),
        ((40, 50), "a", 50, "ab"),
        ((30, 30, 40), "c", 40, "abc"),
        ((30, 30, 40), "a", 31, "ac"),
        ((100,), "a", 100, "a"),
        ((10, 80, 10), "b", 90, "bc"),
    ):
        cache = Cache(trueup_subject, 100)
        names = "abc"[: len(sizes)]
        for name, given in zip(names, sizes, strict=True):
            cache.set(name, cache.fill(given, given))
        assert cache.set(key, cache.fill(size, size)), f"{size} bytes were refused under {key!r}, which has room"
        found = "".join(name for name in names if cache.has(name))
        assert found == left, f"of {dict(zip(names, sizes, strict=True))}, {key}={size} left {found!r}, not {left!r}"


@requirement("EC-008")
def test_an_overwrite_is_most_recent(trueup_subject: Subject) -> None:
    cache = _three(trueup_subject)
    cache.set("a", cache.fill(9, 10))
    assert cache.order("abc") == ["b", "c", "a"], "after a, b and c were stored and a again, b goes first"


@requirement("EC-009")
def test_the_least_recent_are_evicted_and_no_more(trueup_subject: Subject) -> None:
    for size, left in ((10, "abc"), (70, "abc"), (71, "bc"), (80, "bc"), (81, "c"), (90, "c"), (91, ""), (100, "")):
        cache = _three(trueup_subject)
        assert cache.set("new", cache.fill(size, size))
        found = "".join(name for name in "abc" if cache.has(name))
        assert found == left, f"a, b, c of 10 bytes in a cache of 100, then {size} more: {found!r} left, not {left!r}"
    sizes = {"a": 10, "b": 40, "c": 20, "d": 5}
    for size, left in ((25, "abcd"), (26, "bcd"), (35, "bcd"), (36, "cd"), (75, "cd"), (76, "d"), (95, "d"), (96, "")):
        cache = Cache(trueup_subject, 100)
        for key, given in sizes.items():
            cache.set(key, cache.fill(given, given))
        cache.set("new", cache.fill(size, size))
        found = "".join(key for key in sizes if cache.has(key))
        assert found == left, f"{sizes} in a cache of 100, then {size} more: {found!r} left, not {left!r}"


@requirement("EC-010")
def test_a_hit_is_most_recent(trueup_subject: Subject) -> None:
    cache = _three(trueup_subject)
    cache.get("a")
    cache.get("absent")
    assert cache.order("abc") == ["b", "c", "a"], "after a, b and c were stored and a was got, b goes first"


@requirement("EC-011")
def test_asking_makes_nothing_recent(trueup_subject: Subject) -> None:
    cache = _three(trueup_subject)
    for _ in range(3):
        cache.has("a")
        len(cache)
        assert cache.current_bytes == 30
        cache.call("capacity_bytes")
    cache.set("new", cache.fill(1, 71))
    left = [key for key in "abc" if cache.get(key) is not None]
    assert left == ["b", "c"], f"a was asked for by `in` alone, and still {left} are left where a had to go"


@requirement("EC-012")
def test_stats_make_nothing_recent(trueup_subject: Subject) -> None:
    cache = _three(trueup_subject)
    told = [dict(cache.call("stats")) for _ in range(2)]
    # What it tells besides may be a time.
    names = {*Model(100).stats(), "evictions"}
    first, second = ({name: value for name, value in one.items() if name in names} for one in told)
    assert first == second, f"two calls of stats() in a row differ: {first}, {second}"
    assert cache.order("abc") == ["a", "b", "c"], "only stats() was called, and the order changed"


@requirement("EC-013")
def test_keys_are_in_order_of_use(trueup_subject: Subject) -> None:
    cache = _three(trueup_subject)
    for expected, act in ((["a", "b", "c"], "a"), (["b", "c", "a"], "c"), (["b", "a", "c"], "b")):
        for _ in range(2):
            found = list(cache.call("keys"))
            assert found == expected, f"keys() is {found}, expected {expected}"
        cache.get(act)
    cache.call("keys")
    assert cache.order("abc") == ["a", "c", "b"]


@requirement("EC-014")
def test_capacity_zero_refuses_what_has_bytes(trueup_subject: Subject) -> None:
    cache = Cache(trueup_subject, 0)
    assert not cache.set("a", cache.fill(1, 1)), "a byte was stored in a cache of 0 bytes"
    assert cache.get("a") is None
    assert (len(cache), cache.current_bytes) == (0, 0)
    if "stats" in trueup_subject.capabilities:
        assert cache.call("stats")["utilization"] == 0


@requirement("EC-015")
def test_tensors_without_elements(trueup_subject: Subject) -> None:
    for capacity in (0, 10):
        cache = Cache(trueup_subject, capacity)
        empty = Fill(1, "float32", (0, 4))
        assert cache.set("empty", empty), f"a tensor of 0 bytes was refused by a cache of {capacity}"
        assert cache.get("empty") == empty.told()
        assert (len(cache), cache.current_bytes) == (1, 0)
        assert cache.set("empty", Fill(2, "uint8", (0,)))
        assert (len(cache), cache.current_bytes) == (1, 0)
    assert cache.set("empty", cache.fill(3, 10))
    assert cache.current_bytes == 10


@requirement("EC-016")
def test_caches_do_not_share_anything(trueup_subject: Subject) -> None:
    one, other = Cache(trueup_subject, 100), Cache(trueup_subject, 50)
    one.set("a", one.fill(1, 60))
    found = (len(other), other.current_bytes)
    assert found == (0, 0), f"one cache stored an entry, and another's len and bytes are {found}"
    assert not other.has("a"), "what one cache stored is in another"
    other.set("a", other.fill(2, 20))
    assert one.get("a") == one.fill(1, 60).told()
    assert (one.current_bytes, other.current_bytes) == (60, 20)
    assert (one.call("capacity_bytes"), other.call("capacity_bytes")) == (100, 50)


@requirement("EC-017")
def test_len_and_in_agree_with_get(trueup_subject: Subject) -> None:
    cache = Cache(trueup_subject, 50)
    for number in range(20):
        cache.set(f"key {number % 6}", cache.fill(number, 5 + number % 13))
        keys = [f"key {one}" for one in range(6)]
        there = [key for key in keys if cache.has(key)]
        assert len(cache) == len(there), f"len is {len(cache)}, and {there} are in the cache"
    found = [key for key in keys if cache.get(key) is not None]
    assert found == there, f"in the cache are {there}, and get finds {found}"


@requirement("EC-018")
def test_the_capacity_stays(trueup_subject: Subject) -> None:
    for capacity in (0, 1, 100, 1 << 20):
        cache = Cache(trueup_subject, capacity)
        for size in (1, 50, 101):
            cache.set("a", cache.fill(size, size))
        found = cache.call("capacity_bytes")
        assert found == capacity, f"capacity_bytes is {found}, asked for were {capacity}"


@requirement("EC-020")
def test_stats_tell_entries_and_bytes(trueup_subject: Subject) -> None:
    for capacity in (0, 100):
        cache, model = Cache(trueup_subject, capacity), Model(capacity)
        agrees_in_stats(cache, model)
        for key, size in (("a", 40), ("b", 40), ("a", 10), ("c", 70), ("d", 200)):
            cache.set(key, cache.fill(size, size))
            model.set(key, cache.fill(size, size))
            agrees_in_stats(cache, model)


@requirement("EC-021")
def test_stats_count_hits_and_misses(trueup_subject: Subject) -> None:
    cache, model = Cache(trueup_subject, 100), Model(100)
    cache.set("a", cache.fill(1, 10))
    model.set("a", cache.fill(1, 10))
    for key in ("a", "b", "a", "a", "c"):
        cache.get(key)
        model.get(key)
        cache.has("a")
        cache.has("z")
        agrees_in_stats(cache, model)


@requirement("EC-022")
def test_stats_count_evictions(trueup_subject: Subject) -> None:
    cache = Cache(trueup_subject, 100)
    steps = [("a", 40, 0), ("b", 40, 0), ("a", 50, 0), ("c", 10, 0), ("d", 50, 2), ("big", 101, 2), ("e", 100, 4)]
    for key, size, expected in steps:
        cache.set(key, cache.fill(size, size))
        found = cache.call("stats").get("evictions")
        assert found == expected, f"after {key}={size} of {steps}: {found} evictions, expected {expected}"
    if "remove" in trueup_subject.capabilities:
        cache.call("remove", key="e")
        assert cache.call("stats").get("evictions") == 4, "remove was counted as an eviction"


@requirement("EC-023")
def test_remove_gives_the_bytes_back(trueup_subject: Subject) -> None:
    cache = _three(trueup_subject)
    for key, was_there, left in (("b", True, 20), ("b", False, 20), ("absent", False, 20), ("a", True, 10)):
        found = cache.call("remove", key=key)
        assert found is was_there, f"remove({key!r}) answered {found!r}"
        assert cache.current_bytes == left, f"after remove({key!r}) current_bytes is {cache.current_bytes}, not {left}"
        assert not cache.has(key)
        assert cache.get(key) is None
    assert cache.set("a", cache.fill(1, 90))
    assert cache.has("c")


@requirement("EC-024")
def test_clear_leaves_nothing_and_the_cache_usable(trueup_subject: Subject) -> None:
    cache = _three(trueup_subject)
    for _ in range(2):
        cache.call("clear")
        found = (len(cache), cache.current_bytes)
        assert found == (0, 0), f"after clear() len and bytes are {found}"
        assert [key for key in "abc" if cache.has(key)] == []
    assert cache.set("a", cache.fill(1, 100))
    assert cache.get("a") == cache.fill(1, 100).told()


@requirement("EC-025")
def test_clear_answers_the_removed_keys(trueup_subject: Subject) -> None:
    cache = _three(trueup_subject)
    cache.get("a")
    found = list(cache.call("clear") or [])
    assert found == ["b", "c", "a"], f"clear() answered {found}; b, c and a were there, least recent first"


def _three(subject: Subject) -> Cache:
    """A cache of 100 bytes with a, b and c of 10 bytes each, stored in this order."""
    cache = Cache(subject, 100)
    for key in "abc":
        assert cache.set(key, cache.fill(ord(key), 10))
    return cache
