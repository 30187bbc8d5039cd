"""What capabilities bring: KX-040 to KX-048, KX-063, KX-064 and KX-110 to KX-116."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path as File
from typing import Any

from hypothesis import strategies as st

from trueup_contracts import requirement
from trueup_contracts.errors import NotRunError, Refusal
from trueup_contracts.kv_index import recipe
from trueup_contracts.kv_index.calls import Index, Trial
from trueup_contracts.kv_index.codec import Sent
from trueup_contracts.kv_index.model import Worker
from trueup_contracts.kv_index.naming import BLOCK_SIZE, path, tokens
from trueup_contracts.kv_index.steps import event, shown, stored, told
from trueup_contracts.profile import Profile
from trueup_contracts.subject import Subject

ONE, TWO, THREE = (1, 0), (2, 0), (3, 0)
VECTORS = File(__file__).with_name("hash_vectors.json")


def _filled(subject: Subject, *, is_broken: bool) -> Trial:
    """Workers with shared, parting and, where `is_broken`, unreachable blocks."""
    trial = Trial(subject, is_own="opaque_hashes" in subject.capabilities)
    trial.store(ONE, "abcde")
    trial.store(ONE, "xyz", below="ab")
    trial.store(TWO, "abcd")
    trial.store((2, 1), "abx")
    trial.store(((1 << 64) - 1, (1 << 32) - 1), "abcdefgh")
    trial.store(THREE, "a")
    trial.remove(THREE, "a")
    trial.remove(ONE, "abcde")
    if is_broken:
        trial.remove(ONE, "ab")
        trial.remove(TWO, "a", "abc")
    return trial


def _rebuilt(subject: Subject, trial: Trial) -> Trial:
    """Another index, of what the first one dumps; its model and its names are the first one's."""
    made = Trial(subject)
    for number, event_of_dump in enumerate(trial.handle.call("dump")):
        try:
            made.apply(event_of_dump)
        except Refusal as refusal:
            raise AssertionError(
                f"event {number} of the dump was refused: {refusal.message}: {Sent('event', event_of_dump)}"
            ) from None
    made.model, made.naming, made.seen, made.steps = trial.model, trial.naming, trial.seen, trial.steps
    return made


@requirement("KX-040")
def test_a_dump_makes_an_equal_index(trueup_subject: Subject) -> None:
    assert list(Index(trueup_subject).handle.call("dump")) == [], "a new index dumps events"
    trial = _filled(trueup_subject, is_broken=False)
    made = _rebuilt(trueup_subject, trial)
    trial.agrees(is_counted=True)
    made.agrees("abcdefghi", is_counted=True)
    made.store(ONE, "q", below="abxyz")  # names are those that were told
    made.remove(TWO, "abcd")
    made.leave((1 << 64) - 1)
    made.agrees(is_counted=True)


@requirement("KX-041")
def test_a_dump_tells_what_no_match_reaches(trueup_subject: Subject) -> None:
    trial = _filled(trueup_subject, is_broken=True)
    made = _rebuilt(trueup_subject, trial)
    made.agrees(is_strict=True, is_counted=True)
    made.store(ONE, "b", below="a")
    made.store(TWO, "a")
    made.store(TWO, "c", below="ab")
    made.agrees(is_strict=True, is_counted=True)


@requirement("KX-042")
def test_an_early_exit_names_the_true_winners(trueup_subject: Subject, trueup_profile: Profile) -> None:
    def test(chains: list[str], request: str) -> None:
        trial = Trial(trueup_subject)
        for number, text in enumerate(chains):
            trial.store((number // 2, number % 2), text)
        asked = path(request)
        due, found = trial.model.depths(asked), trial.matches(asked, early_exit=True)
        best = max(due.values(), default=0)
        winners = {worker for worker, depth in due.items() if depth == best}
        deepest = max(found.values(), default=0)
        named = {worker for worker, depth in found.items() if depth == deepest}
        if named != winners:
            trial.fail(
                f"early_exit, a request of {request} matches {told(found)}: the deepest are {_all(named)}, "
                f"expected {_all(winners)}",
                asked,
            )
        for worker, depth in due.items():
            is_sole = winners == {worker}
            if not (0 < found.get(worker, 0) <= depth if is_sole else found.get(worker, 0) == depth):
                at_most = "at most " if is_sole else ""
                trial.fail(
                    f"early_exit, a request of {request}: {told(found)}; expected {shown(worker)} to {at_most}{depth}",
                    asked,
                )
        if not found.keys() <= due.keys():
            trial.fail(f"early_exit, a request of {request}: {told(found)}; expected none but {told(due)}", asked)

    chains = st.lists(st.sampled_from(["abcdef", "abc", "abxy", "a", "xy", "abcd", "abcdeg"]), min_size=1, max_size=6)
    trueup_profile.check(test, chains=chains, request=st.sampled_from(["abcdef", "abxyz", "abq", "x", "abcdegh"]))


def _all(workers: set[Worker]) -> str:
    return " ".join(map(shown, sorted(workers))) or "nobody"


def _vectors(index: Index) -> list[dict[str, Any]]:
    """Golden values of the recipe that this index names."""
    named = index.handle.call("recipe")
    found: dict[str, Any] = json.loads(VECTORS.read_text(encoding="utf-8"))
    if named not in found["recipes"]:
        known = ", ".join(found["recipes"])
        raise NotRunError(f"the suite has no values of the recipe {named!r}; it has some of {known}")
    vectors: list[dict[str, Any]] = found["recipes"][named]
    return vectors


@requirement("KX-045")
def test_hashes_of_tokens_are_those_of_the_recipe(trueup_subject: Subject) -> None:
    for vector in _vectors(Index(trueup_subject)):
        text = vector["tokens"]
        local, names = [int(one, 16) for one in vector["local"]], [int(one, 16) for one in vector["sequence"]]
        index = Index(trueup_subject, block_size=vector["block_size"])
        index.apply(event(ONE, stored(None, list(zip(names, local, strict=True)))))
        found = index.matches_tokens(text)
        assert found == {ONE: len(local)}, (
            f"blocks of {vector['block_size']} tokens, {_shown(text)}: local hashes {', '.join(vector['local'][:3])} … "
            f"are stored, and the tokens match {told(found)}, expected depth {len(local)}"
        )
        other = [*text[:-1], text[-1] ^ 1]
        found = index.matches_tokens(other)
        due = {ONE: len(local) - 1} if len(local) > 1 else {}
        assert found == due, (
            f"tokens {_shown(text)} are stored; with another last one they match {told(found)}, expected {told(due)}"
        )


def _shown(text: list[int]) -> str:
    return str(text) if len(text) <= 8 else f"[{', '.join(map(str, text[:8]))}, … {len(text):,} in all]"


@requirement("KX-046")
def test_only_full_blocks_of_tokens_count(trueup_subject: Subject) -> None:
    index = Index(trueup_subject)
    full, rest = tokens("abc"), tokens("d")[:-1]
    local = [*recipe.local_hashes(full, BLOCK_SIZE), recipe.local_hash(rest)]
    index.apply(event(ONE, stored(None, list(zip(recipe.sequence_hashes(local), local, strict=True)))))
    for length in range(len(full) + len(rest) + 1):
        due = length // BLOCK_SIZE
        found = index.matches_tokens([*full, *rest][:length])
        expected = {ONE: due} if due else {}
        assert found == expected, (
            f"{length} tokens in blocks of {BLOCK_SIZE} match {told(found)}, expected {told(expected)}"
        )


@requirement("KX-047")
def test_a_token_that_is_none_is_refused(trueup_subject: Subject) -> None:
    index = Index(trueup_subject)
    largest = (1 << 32) - 1
    index.matches_tokens([0, 0, largest, largest])
    no_tokens: list[Any] = [-1, 1 << 32, (1 << 32) + 97, 1 << 64, True, 1.5, "a", None]
    for wrong in no_tokens:
        try:
            found = index.matches_tokens([97, 97, 97, wrong])
        except Refusal as refusal:
            assert refusal.code == "invalid", f"the token {wrong!r} was refused as {refusal.code!r}, not as 'invalid'"
        else:
            raise AssertionError(f"the token {wrong!r} was taken, and matches {told(found)}; it must be refused")


@requirement("KX-048")
def test_tokens_of_an_adapter_match_no_blocks_of_the_base_model(trueup_subject: Subject) -> None:
    trial = Trial(trueup_subject)
    trial.store(ONE, "abc")
    for adapter in ("french", "f"):
        try:
            found = trial.matches_tokens(tokens("abc"), lora_name=adapter)
        except Refusal:
            continue  # it knows no adapters: nothing is matched either
        assert found == {}, f"blocks of the base model match the adapter {adapter!r}: {told(found)}"
    found = trial.matches_tokens(tokens("abc"), lora_name=None)
    assert found == {ONE: 3}, f"without an adapter matches are {told(found)}, expected 1:0 to depth 3"


def _balanced(subject: Subject, operation: str) -> None:
    """What is measured is back after every way in which blocks go, and rises with what is stored."""
    trial = Trial(subject, is_own="opaque_hashes" in subject.capabilities)

    def measured() -> int:
        found = trial.handle.call(operation)
        assert type(found) is int, f"{operation} answered {found!r}; a number is due"
        return found

    def fill(worker: tuple[int, int]) -> None:
        trial.store(worker, "abcdefgh")
        trial.store(worker, "xyz", below="abc")

    if operation == "nodes":
        trial.store(ONE, "q")  # what the first worker needs is there
    else:
        fill(ONE)  # and tables that have grown and do not shrink
        fill(TWO)
        trial.leave(2)
    trial.leave(1)
    before = measured()
    fill(ONE)
    filled = measured()
    assert filled > before, f"{operation} was {before} before 11 blocks were stored, and is {filled} with them"
    blocks = [*("abcdefgh"[:length] for length in range(1, 9)), "abcx", "abcxy", "abcxyz"]
    ends: dict[str, Callable[[], None]] = {
        "removed from the tail": lambda: trial.remove(ONE, *blocks[::-1]),
        "removed from the head": lambda: trial.remove(ONE, *blocks),
        "cleared": lambda: trial.clear(ONE),
        "taken out by remove_worker": lambda: trial.leave(1),
    }
    for what, end in ends.items():
        for with_other in (False, True):
            fill(ONE)
            if with_other:
                fill(TWO)
            end()
            if with_other:
                shared = measured()
                assert shared > before, f"{operation} is {shared}, as of an empty index, and 2:0 still holds blocks"
                trial.remove(TWO, *blocks[::-1])
            found = measured()
            gone = f"all blocks {what}{', and removed by the other worker that held them' if with_other else ''}"
            assert found <= before, f"{gone}: {operation} is {found}, and was {before} before they were stored"


@requirement("KX-063")
def test_the_account_of_memory_is_back(trueup_subject: Subject) -> None:
    _balanced(trueup_subject, "memory_bytes")


@requirement("KX-064")
def test_nodes_that_nobody_holds_are_gone(trueup_subject: Subject) -> None:
    _balanced(trueup_subject, "nodes")


@requirement("KX-110")
def test_another_block_size_is_refused(trueup_subject: Subject) -> None:
    trial = Trial(trueup_subject)
    trial.store(ONE, "ab", block_size=BLOCK_SIZE)
    trial.agrees(is_counted=True)
    for other in (1, 2 * BLOCK_SIZE, 16):
        try:
            trial.apply(event(ONE, stored(None, [(one, one) for one in path("c")]), block_size=other))
        except Refusal as refusal:
            assert refusal.code == "invalid", f"it was refused as {refusal.code!r}, not as 'invalid'"
            for number in (other, BLOCK_SIZE):
                assert str(number) in refusal.message, f"{refusal.message!r} does not say {number}"
        else:
            raise AssertionError(f"an event with blocks of {other} tokens was taken by an index of {BLOCK_SIZE}")
        trial.agrees("c", is_counted=True)


def _counts(index: Index, name: str) -> int:
    stats = index.handle.call("stats")
    assert name in stats, f"stats() has no {name!r}"
    found: int = stats[name]
    return found


@requirement("KX-115")
def test_unknown_parents_are_counted(trueup_subject: Subject) -> None:
    trial = Trial(trueup_subject)
    trial.store(ONE, "ab")
    trial.remove(ONE, "q")
    for number, worker in enumerate((ONE, TWO, ONE), 1):
        trial.store(worker, "xyz", below="abcd")
        found = _counts(trial, "unknown_parents")
        assert found == number, f"{number} stores had an unknown parent, and unknown_parents is {found}"


@requirement("KX-116")
def test_unknown_removals_are_counted(trueup_subject: Subject) -> None:
    trial = Trial(trueup_subject)
    trial.store(ONE, "abc")
    trial.store(ONE, "x", below="q")
    for worker, texts in ((ONE, ["abc"]), (ONE, ["abc", "ab"]), (TWO, ["ab"]), (ONE, ["x", "y", "a"]), ((9, 9), ["a"])):
        trial.remove(worker, *texts)
        found, due = _counts(trial, "unknown_removals"), trial.model.unknown_removals
        assert found == due, f"{due} blocks were removed that were not held, and unknown_removals is {found}"
