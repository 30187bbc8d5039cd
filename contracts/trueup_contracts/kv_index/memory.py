"""Whether memory grows over equal cycles: KX-060 to KX-062.

Resident memory does not return to its start even where nothing leaks: allocators keep pages. What a leak cannot hide is
the slope: equal cycles, after two that warm up, end with equal memory. What Python allocates is traced exactly; what
others allocate shows in the resident memory, where a cycle is large enough to be seen in it (profile `thorough`).
"""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from trueup_contracts import requirement
from trueup_contracts.errors import Refusal
from trueup_contracts.kv_index.calls import Index
from trueup_contracts.kv_index.deep import chain
from trueup_contracts.kv_index.model import Worker
from trueup_contracts.kv_index.steps import event, removed, stored
from trueup_contracts.profile import Profile
from trueup_contracts.resident import collecting_what_is_new, resident_bytes
from trueup_contracts.subject import Subject

Cycle = Callable[[Index, int], None]
BLOCKS = {"quick": 480, "default": 5_000, "thorough": 1_000_000}  # of a cycle
WARM_UP, CYCLES = 2, 4
_WORKERS = 8
_TRACED_BYTES = 4_096  # what tables of the interpreter and of the kit may differ by from cycle to cycle
_RESIDENT_FROM = 100_000  # blocks of a cycle
_RESIDENT_BYTES = 4  # of growth a block; a leaked node takes a hundred


def _worker(number: int) -> Worker:
    return number, number % 2


def _fill(index: Index, blocks: list[tuple[int, int]], first: int = 0) -> None:
    """The same prefix at every worker, and from its middle on a tail of its own."""
    half = len(blocks) // 2
    for number in range(first, first + _WORKERS):
        index.apply(event(_worker(number), stored(None, blocks[:half])))
        index.apply(event(_worker(number), stored(blocks[half - 1][0], _tail(blocks, number))))


def _tail(blocks: list[tuple[int, int]], number: int) -> list[tuple[int, int]]:
    return chain(len(blocks) // 2, number % _WORKERS + 1)


def _names(blocks: list[tuple[int, int]], number: int) -> list[int]:
    return [name for name, _ in (*blocks[: len(blocks) // 2], *_tail(blocks, number))]


def _cycles(size: int) -> dict[str, Cycle]:
    """The ways in which blocks come and go: each leaves the index as it found it."""
    blocks = chain(max(4, size // _WORKERS))

    def by_removal(backwards: bool) -> Cycle:
        def cycle(index: Index, turn: int) -> None:
            _fill(index, blocks)
            for number in range(_WORKERS):
                names = _names(blocks, number)
                index.apply(event(_worker(number), removed(names[::-1] if backwards else names)))

        return cycle

    def cleared(index: Index, turn: int) -> None:
        _fill(index, blocks)
        for number in range(_WORKERS):
            index.apply(event(_worker(number), "cleared"))

    def left(index: Index, turn: int) -> None:
        _fill(index, blocks)
        for number in range(_WORKERS):
            index.remove_worker(number)

    def mended(index: Index, turn: int) -> None:
        _fill(index, blocks)
        for number in range(_WORKERS):
            names = _names(blocks, number)
            index.apply(event(_worker(number), removed(names[1:3])))
        _fill(index, blocks)
        for number in range(_WORKERS):
            index.apply(event(_worker(number), removed(_names(blocks, number)[::-1])))

    return {
        "removed from the tail": by_removal(backwards=True),
        "removed from the head": by_removal(backwards=False),
        "cleared": cleared,
        "taken out by remove_worker": left,
        "removed in the middle, stored again, removed": mended,
    }


def _strangers(size: int) -> Cycle:
    """Workers that nobody hears of again."""
    blocks = chain(4)

    def cycle(index: Index, turn: int) -> None:
        number = max(100, size // len(blocks))
        first = (turn + 1) * number
        for one in range(first, first + number):
            worker = _worker(one)
            index.apply(event(worker, stored(None, blocks)))
            with suppress(Refusal):  # whether an unknown removal is refused is another requirement's
                index.apply(event(worker, removed([blocks[-1][0], one])))
            index.matches([local for _, local in blocks])
            if one % 3 == 0:
                index.apply(event(worker, "cleared"))
            index.remove_worker(one)

    return cycle


def _idle(size: int) -> dict[str, Cycle]:
    """What changes nothing, with hashes that are new each time."""
    blocks = chain(8)
    number = max(120, size // len(blocks))

    def each(act: Callable[[Index, int], None]) -> Cycle:
        def cycle(index: Index, turn: int) -> None:
            index.apply(event((1, 0), stored(None, blocks)))
            for one in range(number):
                try:
                    act(index, (turn + 1 << 32) + one)
                except Refusal:
                    continue  # whether it is refused is another requirement's

        return cycle

    def duplicate(index: Index, one: int) -> None:
        index.apply(event((1, 0), stored(None, blocks), one))

    def unknown_parent(index: Index, one: int) -> None:
        index.apply(event((1 + one % 3, 0), stored(one, [(one + 1, one + 2)])))

    def unknown_removal(index: Index, one: int) -> None:
        index.apply(event((1 + one % 3, 0), removed([one, one + 7])))

    def wrong(index: Index, one: int) -> None:
        index.apply(
            event((1, 0), {"stored": {"parent_hash": None, "blocks": [{"block_hash": one, "tokens_hash": -1}]}})
        )

    def request(index: Index, one: int) -> None:
        index.matches([blocks[0][1], one, one + 1])

    acts = {
        "duplicates": duplicate,
        "stores without a parent": unknown_parent,
        "removals of what is not held": unknown_removal,
        "events that are refused": wrong,
        "requests": request,
    }
    return {what: each(act) for what, act in acts.items()}


@contextmanager
def _traced() -> Iterator[None]:
    was_tracing = tracemalloc.is_tracing()
    tracemalloc.start()
    try:
        yield
    finally:
        if not was_tracing:
            tracemalloc.stop()


def _slope(subject: Subject, what: str, cycle: Cycle, size: int) -> None:
    """The memory after each cycle must not rise, by what is traced and, in large cycles, by what is resident."""
    index = Index(subject)
    traced: list[int] = []
    resident: list[int] = []
    with collecting_what_is_new(), _traced():
        for turn in range(WARM_UP + CYCLES):
            cycle(index, turn)
            gc.collect()
            traced.append(tracemalloc.get_traced_memory()[0])
            resident.append(resident_bytes() if size >= _RESIDENT_FROM else 0)
    half = CYCLES // 2
    measures = [("Python's memory", traced, _TRACED_BYTES), ("resident memory", resident, _RESIDENT_BYTES * size)]
    for name, found, a_cycle in measures:
        early, late = min(found[WARM_UP : WARM_UP + half]), min(found[-half:])
        grown = (late - early) / half
        assert grown <= a_cycle, (
            f"{what}: {name} grows by {grown:,.0f} bytes a cycle of {size:,} blocks or calls, over {CYCLES} equal "
            f"cycles after {WARM_UP}; at most {a_cycle:,} are put down to the allocator"
        )


@requirement("KX-060")
def test_memory_does_not_grow_over_cycles(trueup_subject: Subject, trueup_profile: Profile) -> None:
    size = BLOCKS[trueup_profile.name]
    for what, cycle in _cycles(size).items():
        _slope(trueup_subject, f"blocks stored, and {what}", cycle, size)


@requirement("KX-061")
def test_memory_does_not_grow_with_workers_that_have_left(trueup_subject: Subject, trueup_profile: Profile) -> None:
    size = BLOCKS[trueup_profile.name] // 4
    _slope(trueup_subject, "workers that come once, store, and are taken out", _strangers(size), size)


@requirement("KX-062")
def test_memory_does_not_grow_with_what_changes_nothing(trueup_subject: Subject, trueup_profile: Profile) -> None:
    size = BLOCKS[trueup_profile.name] // 2
    for what, cycle in _idle(size).items():
        _slope(trueup_subject, what, cycle, size)
