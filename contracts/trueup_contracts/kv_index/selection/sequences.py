"""Sequences of all calls against the model: WS-042."""

from __future__ import annotations

import itertools
from collections.abc import Container
from typing import TYPE_CHECKING, Any

from trueup_contracts import requirement
from trueup_contracts.kv_index.selection import codec
from trueup_contracts.kv_index.selection.booking import tolerant
from trueup_contracts.kv_index.selection.calls import Ask, Pair, Selector
from trueup_contracts.kv_index.selection.model import Model
from trueup_contracts.profile import Profile
from trueup_contracts.subject import Subject

if TYPE_CHECKING:
    from hypothesis.stateful import RuleBasedStateMachine

STEPS = 40
SOME: tuple[Pair, ...] = ((1, 0), (1, 1), (2, 0))
NAMES = tuple("abcdef")
# Prompts that begin alike, or not; of each a request has the first blocks.
PROMPTS = ((1, 2, 3, 4, 5), (1, 2, 3, 14, 15), (21, 22, 23, 24))
BLOCK_SIZE = 8


@requirement("WS-042")
def test_every_sequence_of_calls_is_that_of_a_list(trueup_subject: Subject, trueup_profile: Profile) -> None:
    trueup_profile.run_machine(machine(trueup_subject), steps=STEPS, times=3)


def machine(subject: Subject) -> type[RuleBasedStateMachine]:
    """A machine whose rules are the calls, each made on the selector and on the model."""
    from hypothesis import strategies as st
    from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

    names = st.sampled_from(NAMES)
    workers = st.sampled_from(SOME)
    depths = st.integers(0, 6)
    if "weighted_overlaps" in subject.capabilities:
        depths = st.one_of(depths, st.integers(0, 24).map(lambda quarters: quarters / 4))
    temperatures = [0.0, 0.0, 0.5] if "temperature" in subject.capabilities else [0.0]

    class Calls(RuleBasedStateMachine):
        @initialize(weight=st.sampled_from([1.0, 0.5, 3.0, 0.0]), temperature=st.sampled_from(temperatures))
        def open(self, weight: float, temperature: float) -> None:
            self.temperature = temperature
            self.selector = Selector(subject, BLOCK_SIZE, weight, temperature)
            self.model = Model(BLOCK_SIZE, weight)

        @rule(
            name=names,
            prompt=st.sampled_from(PROMPTS),
            blocks=st.sampled_from((5, 3, 4, 1, 0)),
            rest=st.integers(0, BLOCK_SIZE - 1),
            overlaps=st.dictionaries(workers, depths),
            candidates=st.lists(workers, min_size=1, unique=True),
            pinned=st.booleans(),
            done=st.booleans(),
        )
        def select(
            self,
            name: str,
            prompt: tuple[int, ...],
            blocks: int,
            rest: int,
            overlaps: dict[Pair, Any],
            candidates: list[Pair],
            pinned: bool,
            done: bool,
        ) -> None:
            name = _other(name, self.model.requests)  # of an id under way WS-039 and WS-040 tell
            hashes = prompt[:blocks]
            ask = Ask(name, BLOCK_SIZE * len(hashes) + rest, hashes, overlaps, candidates[0] if pinned else None)
            chosen = self.selector.select(ask, candidates)
            if pinned:
                assert chosen == candidates[0], f"pinned to {list(candidates[0])}, and {list(chosen)} was answered"
            elif self.temperature == 0:
                self.model.judge(ask, candidates, chosen)
            self.model.book(ask, chosen)
            if done:
                self.selector.prefill_done(name)
                self.model.prefill_done(name)
            self.settle(f"after {name!r} went to {list(chosen)}", chosen)

        @rule(name=names)
        def prefill_done(self, name: str) -> None:
            name = self.likely(name)
            if name in self.model.requests:
                self.selector.prefill_done(name)
            else:
                tolerant(self.selector, "prefill_done", name)
            self.model.prefill_done(name)
            under_way = self.model.requests.get(name)
            self.settle(f"after prefill_done({name!r})", under_way.worker if under_way is not None else None)

        @rule(name=names)
        def free(self, name: str) -> None:
            name = self.likely(name)
            self.selector.free(name)
            self.model.free(name)
            self.settle(f"after free({name!r})")

        @precondition(lambda _: "remove_worker" in subject.capabilities)
        @rule(worker=workers)
        def remove_worker(self, worker: Pair) -> None:
            if len(self.model.requests) < 4:  # else there is hardly ever anything under way
                return
            self.selector.handle.call("remove_worker", worker_id=codec.worker_id(worker[0]))
            self.model.remove_worker(worker[0])
            self.settle(f"after remove_worker({worker[0]})")

        def likely(self, name: str) -> str:
            """An id that is under way, more often than not."""
            under_way, number = sorted(self.model.requests), NAMES.index(name)
            return under_way[number] if number < len(under_way) else name

        def settle(self, when: str, worker: Pair | None = None) -> None:
            """Asks for the load of the worker concerned, or of all."""
            self.selector.must_hold(self.model.loads(SOME if worker is None else [worker]), when)

    return Calls


def _other(name: str, taken: Container[str]) -> str:
    """This one, or the next that is not taken."""
    number = NAMES.index(name)
    more = (f"{name}{count}" for count in itertools.count())
    return next(one for one in itertools.chain(NAMES[number:], NAMES, more) if one not in taken)
