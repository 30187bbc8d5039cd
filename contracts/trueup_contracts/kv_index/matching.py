"""What a request is told: KX-001 to KX-009, KX-022 to KX-024, KX-029, KX-031 and KX-033."""

from __future__ import annotations

from hypothesis import strategies as st

from trueup_contracts import requirement
from trueup_contracts.kv_index import recipe
from trueup_contracts.kv_index.calls import Index, Trial
from trueup_contracts.kv_index.model import Worker
from trueup_contracts.kv_index.naming import letters_of, path
from trueup_contracts.kv_index.steps import event, shown, stored, told
from trueup_contracts.profile import Profile
from trueup_contracts.subject import Subject

ONE, TWO, THREE = (1, 0), (2, 0), (3, 0)
LARGEST = (1 << 64) - 1


@requirement("KX-001")
def test_a_depth_is_the_number_of_leading_blocks_held(trueup_subject: Subject) -> None:
    trial = Trial(trueup_subject)
    trial.store(ONE, "abcd")
    trial.store(TWO, "ab")
    trial.store(THREE, "xy")
    trial.agrees("a", "ab", "abc", "abcd", "abcde", "abx", "x")


@requirement("KX-002")
def test_who_holds_no_leading_block_is_no_match(trueup_subject: Subject) -> None:
    trial = Trial(trueup_subject)
    for request in ("", "a", "abc"):
        found = trial.matches(path(request))
        assert found == {}, f"a new index: a request of {len(request)} blocks matches {told(found)}"
    trial.store(ONE, "abc")
    trial.store(TWO, "a")
    trial.remove(TWO, "a")
    for request, due in {"": {}, "bc": {}, "x": {}, "xabc": {}, "a": {ONE: 1}}.items():
        found = trial.matches(path(request))
        assert found == due, (
            f"a request of {letters_of(path(request)) or 'no blocks'} matches {told(found)}, expected {told(due)}"
        )


@requirement("KX-003")
def test_a_depth_is_a_whole_number_within_the_request(trueup_subject: Subject) -> None:
    trial = Trial(trueup_subject)
    trial.store(ONE, "abcdefgh")
    for tier in ("cpu", "disk") if "tiers" in trueup_subject.capabilities else ():
        trial.store(ONE, "abcdefgh", tier=tier)
    for length in range(1, 9):
        for worker, depth in trial.matches(path("abcdefgh"[:length])).items():
            assert type(depth) is int, f"{shown(worker)} has depth {depth!r}: a {type(depth).__name__}"
            assert 1 <= depth <= length, f"a request of {length} blocks: {shown(worker)} has depth {depth}"


@requirement("KX-004")
def test_a_block_counts_at_its_place_alone(trueup_subject: Subject) -> None:
    trial = Trial(trueup_subject)
    trial.store(ONE, "abcd")
    trial.store(TWO, "bcd")
    trial.agrees("abxd", "axcd", "xbcd", "dcba", "bcda", "cd", "aabcd", "ba", "acbd")


@requirement("KX-005")
def test_equal_blocks_under_two_prefixes_are_two_blocks(trueup_subject: Subject) -> None:
    trial = Trial(trueup_subject)
    trial.store(ONE, "abc")
    trial.store(ONE, "xbc")
    trial.store(TWO, "xb")
    trial.agrees("ab", "bc", "xbc")
    trial.remove(ONE, "xbc")
    trial.agrees()
    trial.remove(ONE, "xb", "x")
    trial.agrees()
    trial.store(TWO, "aaaa")  # the same block again and again: each is another one
    trial.agrees("aaa", "aaaaa")
    trial.remove(TWO, "aaaa", "aaa")
    trial.agrees("aaa")


@requirement("KX-006")
def test_chains_that_part_are_matched_to_their_ends(trueup_subject: Subject) -> None:
    for second in ("abxyz", "axyz", "xyz", "abcdx", "ab", "abcdefg", "abcxef"):
        for first_one in (True, False):
            trial = Trial(trueup_subject)
            trial.store(ONE, "abcdef")
            trial.store(ONE if first_one else TWO, second)
            trial.store(THREE, "abcx")
            trial.agrees("abc", "abd", second + "d")


@requirement("KX-007")
def test_storing_again_changes_nothing(trueup_subject: Subject) -> None:
    trial = Trial(trueup_subject)
    trial.store(ONE, "abcd")
    trial.store(ONE, "abcd")
    trial.agrees(is_counted=True)
    trial.store(ONE, "ab")
    trial.agrees(is_counted=True)
    trial.store(ONE, "cd", below="ab")
    trial.agrees(is_counted=True)
    trial.store(ONE, "cde", below="ab")  # the last of it is new
    trial.agrees(is_counted=True)
    trial.store(TWO, "abcd")
    trial.store(TWO, "abcd")
    trial.agrees(is_counted=True)


@requirement("KX-008")
def test_storing_twice_and_removing_once_leaves_nothing(trueup_subject: Subject) -> None:
    trial = Trial(trueup_subject)
    for _ in range(3):
        trial.store(ONE, "abc")
    trial.store(ONE, "c", below="ab")
    trial.remove(ONE, "abc")
    trial.agrees(is_counted=True)
    trial.remove(ONE, "ab", "a")
    trial.agrees(is_counted=True)


@requirement("KX-009")
def test_a_store_hangs_below_its_parent(trueup_subject: Subject) -> None:
    trial = Trial(trueup_subject)
    trial.store(ONE, "abab")
    trial.store(ONE, "c", below="ab")
    trial.agrees("ababc", "abc", "c")
    trial.store(ONE, "c", below="abab")
    trial.store(TWO, "ab")
    trial.store(TWO, "ac", below="ab")
    trial.agrees("abac", "ac", "abab")
    trial.store(ONE, "xyz", below="a")  # in the middle of what is one run so far
    trial.store(ONE, "d", below="axy")
    trial.agrees("axyz", "axyd", "abxyz")


@requirement("KX-022")
def test_ranks_of_a_worker_hold_blocks_of_their_own(trueup_subject: Subject) -> None:
    trial = Trial(trueup_subject)
    trial.store((7, 0), "abc")
    trial.store((7, 1), "ab")
    trial.store((7, 2), "xy")
    trial.agrees("abc", "xyz", is_counted=True)
    trial.remove((7, 0), "abc", "ab")
    trial.agrees("abc", is_counted=True)
    trial.store((7, 2), "c", below="ab")  # the parent is another rank's
    trial.agrees("abc")


WORKERS: list[Worker] = [
    (0, 0),
    (0, 1),
    (1, 0),
    (1 << 31, 0),
    (1 << 32, 0),
    ((1 << 32) + 1, 0),
    (1 << 53, 0),
    ((1 << 53) + 1, 0),
    (1 << 63, 0),
    (LARGEST - 1, 0),
    (LARGEST, 0),
    (LARGEST, (1 << 32) - 1),
    (LARGEST, (1 << 31)),
]


@requirement("KX-023")
def test_worker_ids_and_ranks_are_kept_apart(trueup_subject: Subject) -> None:
    trial = Trial(trueup_subject)
    text = "abcdefghijklmnop"
    for number, worker in enumerate(WORKERS):
        trial.store(worker, text[: number + 1])
    trial.agrees()
    trial.leave(1 << 53)
    trial.leave(LARGEST)
    trial.agrees()


HASHES = [
    0,
    1,
    (1 << 31),
    (1 << 32),
    (1 << 32) + 1,
    1 << 53,
    (1 << 53) + 1,
    1 << 63,
    (1 << 63) + 1,
    LARGEST - 1,
    LARGEST,
]


@requirement("KX-024")
def test_hashes_are_kept_apart(trueup_subject: Subject) -> None:
    """Each as the local hash of a first block, which is its sequence hash too, and as one below it."""
    index = Index(trueup_subject)
    for number, first in enumerate(HASHES):
        worker = (number, 0)
        second = HASHES[number - 1]
        below = recipe.next_hash(first, second)
        index.apply(event(worker, stored(None, [(first, first)])))
        index.apply(event(worker, stored(first, [(below, second)])))
    for number, first in enumerate(HASHES):
        for second in HASHES:
            found = index.matches([first, second])
            due = {(number, 0): 2 if second == HASHES[number - 1] else 1}
            assert found == due, f"a request of {first:#x}, {second:#x} matches {told(found)}, expected {told(due)}"


@requirement("KX-029")
def test_indexes_share_nothing(trueup_subject: Subject) -> None:
    first, second = Trial(trueup_subject), Trial(trueup_subject)
    first.store(ONE, "abc")
    second.store(ONE, "ax")
    second.store(TWO, "b")
    first.agrees("ax", "b", is_counted=True)
    second.agrees("abc", is_counted=True)
    first.leave(1)
    second.agrees(is_counted=True)


@requirement("KX-031")
def test_asking_changes_nothing(trueup_subject: Subject) -> None:
    trial = Trial(trueup_subject)
    trial.store(ONE, "abcd")
    trial.store(TWO, "abxy")
    trial.remove(ONE, "abcd", "abc")
    trial.store(THREE, "abcd")
    for _ in range(3):
        for request in ("abcd", "abxy", "zz", "abcdz", ""):
            trial.matches(path(request))
        trial.agrees(is_counted=True)
    trial.remove(THREE, "abcd", "abc")
    trial.agrees("abcd", is_counted=True)


@requirement("KX-033")
def test_an_event_of_many_blocks_does_what_many_of_one_do(trueup_subject: Subject, trueup_profile: Profile) -> None:
    def test(chains: list[str], cuts: list[int]) -> None:
        whole, pieces = Trial(trueup_subject), Trial(trueup_subject)
        for number, text in enumerate(chains):
            worker = (number % 2 + 1, 0)
            whole.store(worker, text)
            start = 0
            for length in (*cuts, len(text)):
                if text[start : start + length]:
                    pieces.store(worker, text[start : start + length], below=text[:start])
                start += length
        for request in chains:
            found, due = whole.matches(path(request)), pieces.matches(path(request))
            if found != due:
                pieces.fail(
                    f"stored in one event, a request of {'-'.join(request)} matches {told(found)}, "
                    f"and {told(due)} in pieces"
                )
        whole.agrees()
        pieces.agrees()

    chains = st.lists(st.text("ab", min_size=1, max_size=7), min_size=1, max_size=4)
    trueup_profile.check(test, chains=chains, cuts=st.lists(st.integers(1, 3), max_size=4))
