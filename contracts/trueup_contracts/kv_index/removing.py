"""What goes, and whose: KX-010 to KX-021, KX-025, KX-032 and KX-050 to KX-052."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from trueup_contracts import requirement
from trueup_contracts.kv_index.calls import Trial
from trueup_contracts.kv_index.naming import path
from trueup_contracts.kv_index.steps import told
from trueup_contracts.subject import Subject

ONE, TWO, THREE = (1, 0), (2, 0), (3, 0)


@requirement("KX-010")
def test_an_unknown_parent_changes_nothing(trueup_subject: Subject) -> None:
    trial = Trial(trueup_subject)
    trial.store(ONE, "cd", below="ab")  # before its first block
    trial.agrees("cd", "abcd", is_counted=True)
    trial.store(ONE, "ab")
    trial.agrees("abcd", "cd", is_counted=True)  # nor does it wait for its parent
    trial.store(ONE, "xy", below="abq")
    trial.store(ONE, "b", below="b")
    trial.agrees("abxy", "xy", "b", is_counted=True)


@requirement("KX-011")
def test_a_parent_of_another_worker_is_unknown(trueup_subject: Subject) -> None:
    trial = Trial(trueup_subject)
    trial.store(ONE, "abc")
    trial.store(TWO, "d", below="abc")
    trial.agrees("abcd", is_counted=True)
    trial.store(TWO, "ab")
    trial.store(TWO, "d", below="abc")
    trial.agrees("abcd", is_counted=True)


@requirement("KX-012")
def test_a_removal_takes_the_block_from_its_worker_alone(trueup_subject: Subject) -> None:
    for worker, other in ((ONE, TWO), (TWO, ONE)):
        trial = Trial(trueup_subject)
        for each in (ONE, TWO, THREE):
            trial.store(each, "abc")
        trial.remove(worker, "abc")
        trial.agrees()
        trial.remove(worker, "ab", "a")
        trial.agrees()
        trial.remove(other, "abc", "ab", "a")
        trial.agrees()


@requirement("KX-013")
def test_removing_what_is_not_held_changes_nothing(trueup_subject: Subject) -> None:
    trial = Trial(trueup_subject)
    trial.store(ONE, "abc")
    trial.store(TWO, "axy")
    trial.remove(TWO, "abc", "ab")
    trial.remove(ONE, "q", "axy")
    trial.agrees(is_counted=True)
    trial.remove(ONE, "abc")
    trial.remove(ONE, "abc")
    trial.agrees(is_counted=True)
    trial.remove(ONE, "abc", "ab", "abc")  # among others that are held
    trial.agrees(is_counted=True)
    trial.store(ONE, "bc", below="a")
    trial.agrees(is_counted=True)


@requirement("KX-014")
def test_removing_the_last_blocks_leaves_those_before(trueup_subject: Subject) -> None:
    trial = Trial(trueup_subject)
    trial.store(ONE, "abcde")
    trial.store(TWO, "abcde")
    for length in range(5, 0, -1):
        trial.remove(ONE, "abcde"[:length])
        trial.agrees()
    trial.store(ONE, "abc")
    trial.store(ONE, "xy", below="ab")
    trial.remove(ONE, "abxy")
    trial.agrees()


@requirement("KX-015")
def test_removing_all_blocks_in_any_order_leaves_nothing(trueup_subject: Subject) -> None:
    blocks = ("a", "ab", "abc", "abd")
    for number, order in enumerate(itertools.permutations(blocks)):
        trial = Trial(trueup_subject)
        trial.store(ONE, "abc")
        trial.store(ONE, "d", below="ab")
        if number % 2:  # another worker holds them meanwhile
            trial.store(TWO, "abcd")
        if number % 3:
            trial.remove(ONE, *order)
        else:
            for block in order:
                trial.remove(ONE, block)
        trial.agrees(is_counted=True)
        trial.store(ONE, "ab")
        trial.agrees(is_counted=True)
        trial.remove(ONE, "ab", "a")
        if number % 2:
            trial.remove(TWO, "abc", "abcd", "a", "ab")
        trial.agrees(is_counted=True)


@requirement("KX-016")
def test_storing_a_whole_chain_again_mends_it(trueup_subject: Subject) -> None:
    for middle in ("a", "ab", "abc"):
        for is_shared in (False, True):
            trial = Trial(trueup_subject)
            trial.store(ONE, "abcd")
            if is_shared:
                trial.store(TWO, "abcd")
            trial.remove(ONE, middle)
            trial.agrees()
            trial.store(ONE, "abcd")
            trial.agrees(is_counted=True)
            trial.remove(ONE, "abcd")
            trial.agrees(is_counted=True)
            trial.remove(ONE, "abc", "ab", "a")
            trial.agrees(is_counted=True)


@requirement("KX-017")
def test_cleared_removes_the_worker_s_blocks_alone(trueup_subject: Subject) -> None:
    trial = Trial(trueup_subject)
    trial.store(ONE, "abc")
    trial.store(ONE, "xy")
    trial.store(TWO, "abcd")
    trial.clear(ONE)
    trial.agrees(is_counted=True)
    trial.clear(TWO)
    trial.clear(TWO)
    trial.agrees(is_counted=True)


@requirement("KX-018")
def test_a_cleared_worker_stores_as_if_new(trueup_subject: Subject) -> None:
    trial = Trial(trueup_subject)
    trial.store(ONE, "abc")
    trial.store(TWO, "abc")
    trial.clear(ONE)
    trial.store(ONE, "d", below="abc")  # a parent from before
    trial.agrees("abcd", is_counted=True)
    trial.store(ONE, "ab")
    trial.store(ONE, "x", below="ab")
    trial.agrees(is_counted=True)


@requirement("KX-019")
def test_remove_worker_removes_all_of_its_ranks(trueup_subject: Subject) -> None:
    trial = Trial(trueup_subject)
    for worker, text in {(7, 0): "abc", (7, 1): "abd", (7, 9): "x", (8, 0): "abc", (8, 1): "x"}.items():
        trial.store(worker, text)
    trial.leave(7)
    trial.agrees(is_counted=True)
    trial.leave(8)
    trial.agrees(is_counted=True)


@requirement("KX-020")
def test_a_worker_that_comes_back_inherits_nothing(trueup_subject: Subject) -> None:
    trial = Trial(trueup_subject)
    trial.store(ONE, "abc")
    trial.store((1, 1), "ab")
    trial.store(TWO, "abcd")
    trial.leave(1)
    trial.store(ONE, "d", below="abc")  # what its predecessor stored
    trial.agrees("abcd", is_counted=True)
    trial.store(ONE, "a")
    trial.agrees(is_counted=True)
    trial.remove(ONE, "abc")
    trial.store((1, 1), "xy")
    trial.agrees(is_counted=True)


@requirement("KX-021")
def test_workers_never_heard_of_may_leave(trueup_subject: Subject) -> None:
    trial = Trial(trueup_subject)
    trial.leave(9)
    trial.remove((9, 0), "a", "ab")
    trial.clear((9, 1))
    trial.store(ONE, "ab")
    trial.leave(9)
    trial.leave(9)
    trial.clear((9, 1))
    trial.remove((9, 0), "a", "ab")
    trial.agrees(is_counted=True)


@requirement("KX-025")
def test_tracked_blocks_is_the_number_held_at_every_moment(trueup_subject: Subject) -> None:
    trial = Trial(trueup_subject)
    trial.agrees_on_count()
    trial.store(ONE, "abcdef")
    steps: tuple[Callable[[], None], ...] = (
        lambda: trial.store(ONE, "abc"),
        lambda: trial.store(TWO, "abxy"),
        lambda: trial.store(ONE, "xy", below="ab"),
        lambda: trial.remove(ONE, "abcdef", "abcdef"),
        lambda: trial.remove(TWO, "abcd"),
        lambda: trial.remove(ONE, "abcde", "abcd", "abc"),
        lambda: trial.store(TWO, "z", below="nowhere"),
        lambda: trial.store((2, 1), "abc"),
        lambda: trial.clear(ONE),
        lambda: trial.remove(ONE, "abxy"),
        lambda: trial.store(ONE, "ab"),
        lambda: trial.leave(2),
        lambda: trial.remove(ONE, "ab", "a"),
    )
    for step in steps:
        step()
        trial.agrees_on_count()


@requirement("KX-032")
def test_what_one_worker_stores_gives_no_other_a_block(trueup_subject: Subject) -> None:
    for gone in (["abcd", "abc"], ["abcd", "abc", "ab", "a"]):
        trial = Trial(trueup_subject)
        trial.store(ONE, "abcd")
        trial.remove(ONE, *gone)
        trial.store(TWO, "abcd")
        trial.agrees(is_counted=True)
        trial.store(TWO, "e", below="abcd")
        trial.remove(TWO, "abcde", "abcd")
        trial.store(THREE, "abcde")
        trial.agrees(is_counted=True)
    trial = Trial(trueup_subject)
    trial.store(ONE, "abcd")
    trial.store(TWO, "abcd")
    trial.clear(ONE)
    trial.leave(2)
    trial.store(THREE, "abcde")
    trial.agrees(is_counted=True)


@requirement("KX-050")
def test_blocks_behind_a_removed_one_revive(trueup_subject: Subject) -> None:
    for is_shared in (False, True):
        trial = Trial(trueup_subject)
        trial.store(ONE, "abcd")
        if is_shared:
            trial.store(TWO, "abcd")
        trial.remove(ONE, "ab")
        trial.agrees(is_strict=True, is_counted=True)
        trial.store(ONE, "b", below="a")
        trial.agrees(is_strict=True, is_counted=True)
        trial.remove(ONE, "a")
        trial.remove(ONE, "abcd")
        trial.store(ONE, "a")
        trial.agrees(is_strict=True, is_counted=True)


@requirement("KX-051")
def test_blocks_can_be_stored_below_what_is_not_reachable(trueup_subject: Subject) -> None:
    trial = Trial(trueup_subject)
    trial.store(ONE, "abc")
    trial.remove(ONE, "ab")
    trial.store(ONE, "d", below="abc")
    trial.agrees(is_strict=True, is_counted=True)
    trial.store(ONE, "b", below="a")
    trial.agrees(is_strict=True, is_counted=True)
    trial.remove(ONE, "abcd", "abc", "ab", "a")
    trial.agrees(is_strict=True, is_counted=True)


@requirement("KX-052")
def test_cleared_of_one_rank_clears_what_is_claimed(trueup_subject: Subject) -> None:
    trial = Trial(trueup_subject)
    for worker in ((7, 0), (7, 1), (8, 0)):
        trial.store(worker, "abc")
    trial.clear((7, 1))
    clears_all = "clears_all_ranks" in trueup_subject.capabilities
    due = {(8, 0): 3} if clears_all else {(7, 0): 3, (8, 0): 3}
    found = trial.matches(path("abc"))
    claim = "clears_all_ranks is claimed" if clears_all else "clears_all_ranks is not claimed"
    assert found == due, f"rank 1 of worker 7 was cleared, and {claim}: matches are {told(found)}, expected {told(due)}"
    assert trial.count == 3 * len(due), f"tracked_blocks is {trial.count}, expected {3 * len(due)}"
