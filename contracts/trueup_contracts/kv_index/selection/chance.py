"""What is left to chance, judged with a stated error rate: WS-011 to WS-016 and WS-018."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from trueup_contracts import requirement
from trueup_contracts.kv_index.selection.calls import Ask, Pair, Selector
from trueup_contracts.profile import Profile
from trueup_contracts.subject import Subject

# A correct implementation fails for one distribution of these with a probability below this; a run has a dozen.
ERROR_RATE = 1e-10
FOUR: list[Pair] = [(1, 0), (2, 0), (3, 0), (4, 0)]


def draws(profile: Profile) -> int:
    """How often a distribution is asked: 1,000 times in the profile quick, more in the others."""
    return max(1_000, 20 * profile.examples)


def drawn(selector: Selector, ask: Ask, candidates: Sequence[Pair], times: int) -> Counter[Pair]:
    """How often each worker is chosen for the same request, which is freed each time."""
    counts: Counter[Pair] = Counter()
    for number in range(times):
        one = ask._replace(id=f"{ask.id}-{number}")
        counts[selector.select(one, candidates)] += 1
        selector.free(one.id)
    return counts


def unlikely(counts: Mapping[Pair, int], due: Mapping[Pair, float]) -> str | None:
    """Which count a correct implementation would hardly have, or nothing.

    Chernoff: of n draws with probability p, a share of at least q (above p), or of at most q (below p), has a
    probability of at most exp(-n KL(q || p)). Two sides for each worker share the error rate.
    """
    times = sum(counts.values())
    limit = math.log(2 * len(due) / ERROR_RATE)
    for worker, probability in due.items():
        share = counts.get(worker, 0) / times
        if times * _divergence(share, probability) > limit:
            return (
                f"{list(worker)} was chosen {counts.get(worker, 0)} times of {times} ({share:.1%}), "
                f"expected about {probability:.1%}"
            )
    return None


def must_be(counts: Mapping[Pair, int], due: Mapping[Pair, float], what: str) -> None:
    """The counts are of this distribution."""
    __tracebackhide__ = True
    told = unlikely(counts, due)
    assert told is None, f"{what}: {told}"


def _divergence(share: float, probability: float) -> float:
    terms = ((share, probability), (1 - share, 1 - probability))
    return sum(one * math.log(one / other) if other > 0 else math.inf for one, other in terms if one > 0)


@requirement("WS-011")
def test_each_of_tied_workers_is_chosen_at_times(trueup_subject: Subject, trueup_profile: Profile) -> None:
    for seed in range(3):
        selector = Selector(trueup_subject, seed=trueup_profile.seed + seed)
        counts = drawn(selector, Ask("tied", 48, (1, 2, 3)), FOUR, 200)
        # Even where one of four is chosen half as often as it should: 4 × (7/8)^200 < 1e-10.
        never = [list(worker) for worker in FOUR if not counts[worker]]
        assert not never, f"of four idle workers {never} was never chosen in 200 requests: {_told(counts)}"


@requirement("WS-012")
def test_tied_workers_are_chosen_equally_often(trueup_subject: Subject, trueup_profile: Profile) -> None:
    selector = Selector(trueup_subject, seed=trueup_profile.seed)
    for candidates in (FOUR[:2], FOUR):
        counts = drawn(selector, Ask("tied", 48, (1, 2, 3)), candidates, draws(trueup_profile))
        due = dict.fromkeys(candidates, 1 / len(candidates))
        must_be(counts, due, f"{len(candidates)} idle workers")


@requirement("WS-013")
def test_the_seed_decides_whatever_the_order(trueup_subject: Subject, trueup_profile: Profile) -> None:
    temperatures = [0.0, 0.7] if "temperature" in trueup_subject.capabilities else [0.0]
    for temperature in temperatures:
        seed = trueup_profile.seed

        def answers(seed: int, candidates: Sequence[Pair], temperature: float = temperature) -> list[Pair]:
            selector = Selector(trueup_subject, temperature=temperature, seed=seed)
            found = []
            for number in range(64):
                found.append(selector.select(Ask(str(number), 32, (1, 2), {(2, 0): 1}), candidates))
                selector.free(str(number - 3))
            return found

        first, again, reversed_ = answers(seed, FOUR), answers(seed, FOUR), answers(seed, FOUR[::-1])
        assert first == again, f"temperature {temperature}, the same seed and the same calls: {_parted(first, again)}"
        assert first == reversed_, (
            f"temperature {temperature}, the candidates in another order: {_parted(first, reversed_)}"
        )
        # 64 choices among up to four: that three other seeds all agree with it does not happen by chance.
        others = [answers(seed + more, FOUR) for more in (1, 2, 3)]
        assert any(first != other for other in others), f"temperature {temperature}: four seeds give the same answers"


@requirement("WS-014")
def test_a_candidate_that_is_listed_twice_counts_once(trueup_subject: Subject, trueup_profile: Profile) -> None:
    for temperature in (0.0, 1.0) if "temperature" in trueup_subject.capabilities else (0.0,):
        selector = Selector(trueup_subject, temperature=temperature, seed=trueup_profile.seed)
        counts = drawn(selector, Ask("r", 48, (1, 2, 3)), [(1, 0), (1, 0), (1, 0), (2, 0)], draws(trueup_profile))
        must_be(counts, {(1, 0): 0.5, (2, 0): 0.5}, "two idle workers, one of them listed three times")


def softmax(costs: Mapping[Pair, float], temperature: float) -> dict[Pair, float]:
    """The probabilities of the formula."""
    low, high = min(costs.values()), max(costs.values())
    spread = (high - low) or 1.0
    weights = {worker: math.exp(-(cost - low) / spread / temperature) for worker, cost in costs.items()}
    total = sum(weights.values())
    return {worker: weight / total for worker, weight in weights.items()}


# Of 128 tokens in blocks of 16 the workers hold so many blocks; every request has 8 blocks, which none of them decodes.
DEPTHS: tuple[tuple[dict[Pair, int], float], ...] = (
    ({(1, 0): 8, (2, 0): 4, (3, 0): 0}, 0.5),
    ({(1, 0): 8, (2, 0): 4, (3, 0): 0}, 2.0),
    ({(1, 0): 0, (2, 0): 1, (3, 0): 2, (4, 0): 2}, 0.7),
    ({(1, 0): 6, (2, 0): 5}, 1.0),
    ({(1, 0): 8, (2, 0): 0}, 1e4),
)
COLD = ({(1, 0): 0, (2, 0): 3, (3, 0): 1}, 1e-4)  # one of them always: powers of the others are 0


@requirement("WS-015")
def test_workers_are_drawn_by_the_softmax_of_their_costs(trueup_subject: Subject, trueup_profile: Profile) -> None:
    for depths, temperature in (*DEPTHS, COLD):
        selector = Selector(trueup_subject, temperature=temperature, seed=trueup_profile.seed)
        ask = Ask("drawn", 128, tuple(range(8)), depths)
        counts = drawn(selector, ask, list(depths), 50 if (depths, temperature) == COLD else draws(trueup_profile))
        costs = {worker: float(8 - depth + 8) for worker, depth in depths.items()}
        must_be(counts, softmax(costs, temperature), f"temperature {temperature}, costs {_told(costs)}")


@requirement("WS-016")
def test_workers_of_equal_cost_are_drawn_equally_often(trueup_subject: Subject, trueup_profile: Profile) -> None:
    for temperature in (0.1, 1.0):
        selector = Selector(trueup_subject, temperature=temperature, seed=trueup_profile.seed)
        drawn(selector, Ask("alone", 48, (1, 2, 3)), FOUR[:1], 2)
        counts = drawn(selector, Ask("r", 48, (1, 2, 3)), FOUR, draws(trueup_profile))
        must_be(counts, dict.fromkeys(FOUR, 1 / len(FOUR)), f"temperature {temperature}, four idle workers")


@requirement("WS-018")
def test_two_equal_workers_share_paced_requests(trueup_subject: Subject, trueup_profile: Profile) -> None:
    def shared(pace: Callable[[Selector, str], None], how: str) -> None:
        selector = Selector(trueup_subject, seed=trueup_profile.seed)
        counts: Counter[Pair] = Counter()
        for number in range(448):
            ask = Ask(f"r{number}", 512, tuple(range(number * 32, number * 32 + 32)))
            counts[selector.select(ask, FOUR[:2])] += 1
            pace(selector, ask.id)
        must_be(counts, dict.fromkeys(FOUR[:2], 0.5), f"448 requests, {how}")

    def ends(selector: Selector, identity: str) -> None:
        selector.prefill_done(identity)
        selector.free(identity)

    def goes_away(selector: Selector, identity: str) -> None:
        selector.free(identity)

    shared(ends, "each ended before the next one came")
    shared(goes_away, "each client gone before the next one came")


def _parted(first: Sequence[Pair], second: Sequence[Pair]) -> str:
    number = next(number for number, (one, other) in enumerate(zip(first, second, strict=True)) if one != other)
    return f"request {number + 1} got {list(first[number])} the first time, and {list(second[number])} the second"


def _told(counts: Mapping[Pair, Any]) -> str:
    return ", ".join(f"{list(worker)}: {number:g}" for worker, number in sorted(counts.items()))
