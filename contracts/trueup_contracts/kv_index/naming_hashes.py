"""Sequence hashes that are nothing but names: KX-034 to KX-036."""

from __future__ import annotations

from trueup_contracts import requirement
from trueup_contracts.kv_index.calls import Index, Trial
from trueup_contracts.kv_index.naming import path
from trueup_contracts.kv_index.steps import event, removed, stored, told
from trueup_contracts.subject import Subject

ONE, TWO = (1, 0), (2, 0)


@requirement("KX-034")
def test_workers_that_name_blocks_differently_match_alike(trueup_subject: Subject) -> None:
    trial = Trial(trueup_subject, is_own=True)
    for worker in ((7, 0), (3, 0), (4, 0)):  # two of them have names of their own
        trial.store(worker, "abc")
        trial.store(worker, "de", below="abc")
        trial.store(worker, "xy", below="ab")
    trial.agrees(is_counted=True)
    trial.remove((3, 0), "abcde", "abcd")
    trial.remove((4, 0), "abxy")
    trial.agrees(is_counted=True)
    trial.leave(4)
    trial.clear((7, 0))
    trial.agrees(is_counted=True)


@requirement("KX-035")
def test_a_name_of_two_workers_can_be_two_blocks(trueup_subject: Subject) -> None:
    trial = Trial(trueup_subject)
    trial.naming.special = {(ONE, path("ab")): 77, (TWO, path("x")): 77, (ONE, path("a")): 78, (TWO, path("xy")): 78}
    trial.store(ONE, "ab")
    trial.store(TWO, "xy")
    trial.store(ONE, "c", below="ab")
    trial.store(TWO, "c", below="x")
    trial.agrees("abc", "xc", "xyc", is_counted=True)
    trial.remove(TWO, "xy")  # by the name that the other one has for another block
    trial.agrees("abc", "xc", is_counted=True)
    trial.remove(ONE, "abc", "ab")
    trial.agrees("abc", "xc", is_counted=True)


@requirement("KX-036")
def test_sequence_hashes_are_no_local_hashes(trueup_subject: Subject) -> None:
    a, b, c = path("abc")
    index = Index(trueup_subject)
    # Names that are the local hashes of other blocks: a is called b, the block b below it c, and c below that a.
    index.apply(event(ONE, stored(None, [(b, a), (c, b)])))
    index.apply(event(ONE, stored(c, [(a, c)])))
    for request, due in {(a, b, c): 3, (a, b): 2, (b, c, a): 0, (b, c): 0, (c,): 0, (a, c): 1}.items():
        found = index.matches(request)
        assert found == ({ONE: due} if due else {}), (
            f"blocks of the local hashes {a:#x}, {b:#x}, {c:#x} are called {b:#x}, {c:#x}, {a:#x}: a request of "
            f"{', '.join(f'{one:#x}' for one in request)} matches {told(found)}, expected depth {due}"
        )
    index.apply(event(ONE, removed([a])))
    found = index.matches([a, b, c])
    assert found == {ONE: 2}, (
        f"the block called {a:#x}, the last one, was removed: matches are {told(found)}, expected depth 2"
    )
