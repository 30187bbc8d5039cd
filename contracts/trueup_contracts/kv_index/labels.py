"""Tiers and identities: KX-090 to KX-097."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from trueup_contracts import requirement
from trueup_contracts.kv_index.calls import Index, Trial
from trueup_contracts.kv_index.model import Worker
from trueup_contracts.kv_index.naming import letters_of, path
from trueup_contracts.kv_index.shortening import FAILURES, fails, shortest
from trueup_contracts.kv_index.steps import Clear, Remove, Step, Store, told
from trueup_contracts.profile import Profile
from trueup_contracts.subject import Subject

ONE, TWO = (1, 0), (2, 0)
TIERS = ("gpu", "cpu", "disk", "external")


def _agrees_in_tiers(trial: Trial, *texts: str) -> None:
    """Every tier, and all together, must be the model's."""
    __tracebackhide__ = True
    for text in texts:
        for tier in (None, *TIERS):
            found = trial.matches(path(text), **({} if tier is None else {"tier": tier}))
            due = trial.model.depths(path(text), tier)
            if found != due:
                where = f"in {tier}" if tier else "in any tier"
                trial.fail(f"a request of {letters_of(path(text))} {where} matches {told(found)}, expected {told(due)}")


@requirement("KX-090")
def test_a_match_within_a_tier_counts_its_blocks_alone(trueup_subject: Subject) -> None:
    trial = Trial(trueup_subject)
    trial.store(ONE, "abcd")  # without a tier: gpu
    trial.store(ONE, "ab", tier="cpu")
    trial.store(TWO, "abc", tier="disk")
    trial.store(TWO, "a", tier="gpu")
    trial.store(TWO, "b", below="a", tier="external")
    _agrees_in_tiers(trial, "abcd", "ab", "a")


@requirement("KX-091")
def test_without_a_tier_a_block_counts_once(trueup_subject: Subject) -> None:
    trial = Trial(trueup_subject)
    for tier in TIERS:
        trial.store(ONE, "abc", tier=tier)
        trial.agrees(is_counted=True)
    trial.store(TWO, "a", tier="gpu")
    trial.store(TWO, "b", below="a", tier="cpu")
    trial.store(TWO, "c", below="ab", tier="disk")  # each block in another tier: all of them are held
    trial.agrees("abc", is_counted=True)


@requirement("KX-092")
def test_a_removal_with_a_tier_is_from_that_tier(trueup_subject: Subject) -> None:
    trial = Trial(trueup_subject)
    for tier in ("gpu", "cpu", "disk"):
        trial.store(ONE, "abc", tier=tier)
        trial.store(TWO, "abc", tier=tier)
    trial.remove(ONE, "abc", tier="gpu")
    _agrees_in_tiers(trial, "abc")
    trial.remove(ONE, "abc", tier="external")  # where it never was
    trial.remove(ONE, "abc", "ab", tier="cpu")
    _agrees_in_tiers(trial, "abc")
    trial.agrees(is_counted=True)
    trial.remove(TWO, "abc")  # from all
    _agrees_in_tiers(trial, "abc")
    trial.remove(ONE, "abc", tier="disk")  # the last one
    _agrees_in_tiers(trial, "abc")
    trial.agrees(is_counted=True)


@requirement("KX-093")
def test_every_sequence_with_tiers_is_that_of_a_dictionary(trueup_subject: Subject, trueup_profile: Profile) -> None:
    texts = ("abc", "abxy", "ac", "b")
    failed: list[Step] = []

    def run(steps: Any) -> None:
        trial = Trial(trueup_subject)
        failed[:] = steps
        for step in steps:
            trial.take(step)
            _agrees_in_tiers(trial, *texts)
            trial.agrees(is_counted=True)

    def test(drawn: list[tuple[str, int, str, str | None, int]]) -> None:
        run([_step(*one) for one in drawn])

    one = st.tuples(
        st.sampled_from(["store", "below", "remove", "clear"]),
        st.integers(1, 2),
        st.sampled_from(texts),
        st.sampled_from([None, *TIERS[:3]]),
        st.integers(1, 4),
    )
    try:
        trueup_profile.check(test, times=2, drawn=st.lists(one, min_size=2, max_size=10))
    except FAILURES as found:
        error = found
    else:
        return
    if fails(failed, run):
        run(shortest(failed, run))
    raise error


def _step(what: str, number: int, text: str, tier: str | None, length: int) -> Step:
    worker, chain = (number, 0), path(text)
    if what == "clear":
        return Clear(worker)
    if what == "remove":
        # From the tail, with all that hangs below: what is left is reachable, in the tiers that it is in.
        behind = [path(one) for one in ("abxy", "abx", "abc", "ab", "ac", "a", "b")]
        block = chain[:length]
        return Remove(worker, tuple(one for one in behind if one[: len(block)] == block), tier)
    return Store(worker, chain, min(length, len(chain) - 1) if what == "below" else 0, tier)


IDENTITIES: list[dict[str, Any]] = [
    {"lora_name": None, "cache_salt": None, "group_idx": None},
    {"lora_name": "french", "cache_salt": None, "group_idx": None},
    {"lora_name": "frenc", "cache_salt": "h", "group_idx": None},
    {"lora_name": "", "cache_salt": None, "group_idx": None},
    {"lora_name": None, "cache_salt": "french", "group_idx": None},
    {"lora_name": None, "cache_salt": "", "group_idx": None},
    {"lora_name": None, "cache_salt": None, "group_idx": 0},
    {"lora_name": None, "cache_salt": None, "group_idx": 1},
    {"lora_name": "french", "cache_salt": "french", "group_idx": 1},
]


@requirement("KX-095")
def test_identities_are_kept_apart(trueup_subject: Subject) -> None:
    index, trial = Index(trueup_subject), Trial(trueup_subject)
    for number, identity in enumerate(IDENTITIES):
        chain = path("abc"[: number % 3 + 1])
        index.apply(Store((number, 0), chain, beside={"identity": identity}).event(trial.naming, 0))
    for number, identity in enumerate(IDENTITIES):
        found = index.matches(path("abc"), identity=identity)
        due: dict[Worker, int] = {(number, 0): number % 3 + 1}
        assert found == due, (
            f"{len(IDENTITIES)} workers stored under identities of their own: a request of {_told(identity)} matches "
            f"{_whose(found)}, expected {_whose(due)}"
        )


def _told(identity: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value!r}" for name, value in identity.items() if value is not None) or "no identity"


def _whose(found: dict[Worker, int]) -> str:
    return (
        ", ".join(f"({_told(IDENTITIES[worker[0]])}) to depth {depth}" for worker, depth in found.items()) or "nobody"
    )


@requirement("KX-096")
def test_an_identity_that_is_left_out_is_none(trueup_subject: Subject) -> None:
    plain = IDENTITIES[0]
    trial = Trial(trueup_subject)
    trial.store(ONE, "abc")
    trial.store(TWO, "ab", identity=plain)
    trial.store((3, 0), "a", identity={"lora_name": None})
    due = {ONE: 3, TWO: 2, (3, 0): 1}
    ways: list[dict[str, Any]] = [{}, {"identity": plain}, {"identity": {}}, {"identity": {"cache_salt": None}}]
    for how in ways:
        found = trial.matches(path("abc"), **how)
        assert found == due, (
            f"stored without an identity, with {plain} and with a part of it; {how or 'left out'} matches {told(found)}"
        )
    trial.store((4, 0), "ab", identity={"lora_name": "french"})
    found = trial.matches(path("ab"), identity={"lora_name": "french", "group_idx": None})
    assert found == {(4, 0): 2}, f"stored under lora_name alone; the same with the others None matches {told(found)}"


@requirement("KX-097")
def test_blocks_of_a_window_do_not_count_for_the_full_group(trueup_subject: Subject) -> None:
    trial = Trial(trueup_subject)
    trial.store(ONE, "ab", identity={"group_idx": 0})
    trial.store(TWO, "abcdef", identity={"group_idx": 1})  # a sliding window: its blocks are no whole prefix
    for group, due in ((0, {ONE: 2}), (1, {TWO: 6}), (2, {})):
        found = trial.matches(path("abcdef"), identity={"group_idx": group})
        assert found == due, f"a request of group {group} matches {told(found)}, expected {told(due)}"
    found = trial.matches(path("abcdef"))
    assert found == {}, f"a request without a group matches blocks of groups: {told(found)}"
