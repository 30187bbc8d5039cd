"""Long chains and long events: KX-030 and KX-127."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from trueup_contracts import requirement
from trueup_contracts.kv_index import recipe
from trueup_contracts.kv_index.calls import Index
from trueup_contracts.kv_index.model import Worker
from trueup_contracts.kv_index.steps import event, removed, stored, told
from trueup_contracts.profile import Profile
from trueup_contracts.subject import Subject

DEEP = 8_192  # 128k tokens in blocks of 16
ONE, TWO = (1, 0), (2, 0)
# Blocks in the shorter of two events; the longer has eight times as many.
SIZES = {"quick": 1_500, "default": 12_500, "thorough": 125_000}
_TIMES = 8
_SLACK_S = 0.25
_MOST_OVER_THE_WIRE = 1_500  # a longer event is a line of many megabytes


def chain(length: int, seed: int = 0) -> list[tuple[int, int]]:
    """Blocks that follow each other: pairs of sequence hash and local hash."""
    local = [recipe.next_hash(seed, number) for number in range(length)]
    return list(zip(recipe.sequence_hashes(local), local, strict=True))


def _expect(index: Index, request: list[int], due: dict[Worker, int], when: str) -> None:
    found = index.matches(request)
    assert found == due, f"{when}: a request of {len(request):,} blocks matches {told(found)}, expected {told(due)}"


@requirement("KX-030")
def test_deep_chains(trueup_subject: Subject) -> None:
    blocks = chain(DEEP)
    names, request = [name for name, _ in blocks], [local for _, local in blocks]
    index = Index(trueup_subject)
    index.apply(event(ONE, stored(None, blocks)))
    for start in range(0, DEEP, 512):  # as an engine tells it, piece by piece
        parent = names[start - 1] if start else None
        index.apply(event(TWO, stored(parent, blocks[start : start + 512])))
    _expect(index, request, {ONE: DEEP, TWO: DEEP}, "stored by two workers")
    _expect(index, request[: DEEP // 2], {ONE: DEEP // 2, TWO: DEEP // 2}, "stored by two workers")
    assert index.count == 2 * DEEP, f"tracked_blocks is {index.count}, expected {2 * DEEP}"
    index.apply(event(TWO, removed(names[: DEEP // 2 : -1])))
    _expect(index, request, {ONE: DEEP, TWO: DEEP // 2 + 1}, "the second half removed from the tail")
    index.apply(event(TWO, removed(names[: DEEP // 2 + 1])))
    _expect(index, request, {ONE: DEEP}, "the first half removed from the head")
    index.apply(event(ONE, "cleared"))
    _expect(index, request, {}, "cleared")
    index.apply(event(ONE, stored(None, blocks)))
    index.remove_worker(ONE[0])
    _expect(index, request, {}, "after remove_worker")
    index.apply(event(ONE, stored(None, blocks)))
    index.apply(event(ONE, removed(names)))
    _expect(index, request, {}, "removed from the head")
    assert index.count == 0, f"tracked_blocks is {index.count}, expected 0"
    index.apply(event(ONE, stored(None, blocks)))
    del index  # and so it must be dropped
    _expect(Index(trueup_subject), request, {}, "a new index")


@requirement("KX-127")
def test_the_time_of_an_event_grows_with_its_blocks(trueup_subject: Subject, trueup_profile: Profile) -> None:
    size = SIZES[trueup_profile.name] if trueup_subject.in_process else _MOST_OVER_THE_WIRE
    short: dict[str, float] = dict(_spent(trueup_subject, size))
    for what, seconds in _spent(trueup_subject, _TIMES * size):
        # Three times what grows in proportion; the square would be eight times as much.
        limit = 3 * _TIMES * short[what] + _SLACK_S * trueup_subject.scale
        assert seconds <= limit, (
            f"{what}: {size:,} blocks took {short[what]:.3f} s, {_TIMES * size:,} took {seconds:.2f} s; "
            f"at most {limit:.2f} s are due"
        )


def _spent(subject: Subject, size: int) -> Iterator[tuple[str, float]]:
    """What was done, and its seconds: of the processor where the index runs in this process."""
    clock = time.process_time if subject.in_process else time.monotonic
    blocks = chain(size)
    names, request = [name for name, _ in blocks], [local for _, local in blocks]
    index = Index(subject)
    work: dict[str, Callable[[], None]] = {
        "stored": lambda: index.apply(event(ONE, stored(None, blocks))),
        "matched": lambda: _expect(index, request, {ONE: size}, "stored in one event"),
        "stored again": lambda: index.apply(event(ONE, stored(None, blocks))),
        "removed": lambda: index.apply(event(ONE, removed(names))),
    }
    for what, call in work.items():
        begin = clock()
        call()
        yield what, clock() - begin
    _expect(index, request, {}, "removed in one event")
