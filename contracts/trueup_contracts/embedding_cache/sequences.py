"""Sequences of all calls against the model: EC-019 and EC-096."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from trueup_contracts import requirement
from trueup_contracts.embedding_cache.calls import Cache
from trueup_contracts.embedding_cache.fill import ELEMENT_BYTES, Fill, View, told
from trueup_contracts.embedding_cache.model import Model, agrees, agrees_in_stats, counting
from trueup_contracts.errors import Refusal
from trueup_contracts.profile import Profile
from trueup_contracts.subject import Subject

if TYPE_CHECKING:
    from hypothesis.stateful import RuleBasedStateMachine

CAPACITY = 40
_NAMES = "abcd"
DTYPES = ("uint8", "float16", "float32", "int64")
STEPS = 20  # of one sequence, at most
# Together they are larger than the capacity, so that views make room for each other.
BASES = tuple(Fill(seed, dtype, (12,)) for seed in (1, 2) for dtype in ("uint8", "float16"))
LAYOUTS: tuple[tuple[str, Callable[[Any], Any]], ...] = (
    ("[::5]", lambda tensor: tensor[::5]),
    (".reshape(3, 4).t()", lambda tensor: tensor.reshape(3, 4).t()),
    (".reshape(3, 4)[:, 1:3]", lambda tensor: tensor.reshape(3, 4)[:, 1:3]),
    ("[3:4].expand(9)", lambda tensor: tensor[3:4].expand(9)),
    (".unfold(0, 4, 2)", lambda tensor: tensor.unfold(0, 4, 2)),
)


@requirement("EC-019")
def test_every_sequence_of_calls_is_that_of_a_list(trueup_subject: Subject, trueup_profile: Profile) -> None:
    trueup_profile.run_machine(_machine(trueup_subject, _owned()), steps=STEPS, times=4)


@requirement("EC-096")
def test_every_sequence_with_views_is_that_of_a_list(trueup_subject: Subject, trueup_profile: Profile) -> None:
    any_layout = "any_layout" in trueup_subject.capabilities
    trueup_profile.run_machine(_machine(trueup_subject, _views(any_layout=any_layout)), steps=STEPS, times=2)


# Tensors are chosen from lists, simplest first: one draw each, which keeps sequences cheap to draw and to shorten.
def _owned() -> list[Fill]:
    """Tensors that own their storage, most of them small enough for three to fit."""
    sizes = (*range(1, 13), 0, 16, 20, 24, 39, 40, 41, 48, 64)
    return [Fill(seed, dtype, (size // ELEMENT_BYTES[dtype],)) for seed in (1, 2) for dtype in DTYPES for size in sizes]


def _views(*, any_layout: bool) -> list[View]:
    """Views of a few storages: slices, which overlap, and other layouts where the cache takes them."""
    slices = [
        View(base, f"[{first}:{end}]", operator.itemgetter(slice(first, end)))
        for base in BASES
        for first in range(0, 12, 2)
        for end in range(first, 13, 3)
    ]
    others = [View(base, *other) for base in BASES for other in LAYOUTS if any_layout]
    return [*slices, *others, *others, *others]  # as often as slices


def _machine(subject: Subject, choices: Sequence[Fill | View]) -> type[RuleBasedStateMachine]:
    """A machine whose rules are the calls that the cache claims, each made on the cache and on the model."""
    from hypothesis import strategies as st
    from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

    keys = st.sampled_from(_NAMES)
    tensors = st.sampled_from(choices)
    sizes = st.integers(0, CAPACITY)

    def claimed(*names: str, entries: int = 0) -> Callable[[Any], Any]:
        """Where these are claimed and so many entries are there: who clears at every turn has nothing to evict."""
        has_all = subject.capabilities.issuperset(names)
        return precondition(lambda calls: has_all and len(calls.model.entries) >= entries)

    class Calls(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.cache = Cache(subject, CAPACITY)
            self.model = Model(CAPACITY, counting(subject.capabilities))
            self.unsaid = frozenset[str]()

        @rule(key=keys, tensor=tensors)
        def set(self, key: str, tensor: Any) -> None:
            _same(self.cache.set(key, tensor), self.model.set(key, tensor), f"set({key!r}, {tensor!r})")
            self.settle()

        @rule(key=keys)
        def get(self, key: str) -> None:
            _same(self.cache.get(key), self.model.get(key), f"get({key!r})")
            self.settle()

        @claimed("delta")
        @rule(key=keys, tensor=tensors)
        def set_with_delta(self, key: str, tensor: Any) -> None:
            before = self.model.keys
            stored, added, removed = self.cache.call("set_with_delta", key=key, tensor=tensor)
            expected = self.model.set(key, tensor)
            news = [one for one in self.model.keys if one not in before]
            gone = [one for one in before if one not in self.model.keys]
            due = (expected, news, gone)
            _same((stored, list(added), list(removed)), due, f"set_with_delta({key!r}, {tensor!r})")
            self.settle()

        @claimed("remove")
        @rule(key=keys)
        def remove(self, key: str) -> None:
            # Whether a pinned entry can be removed is nowhere said.
            if not self.model.pins[key]:
                _same(self.cache.call("remove", key=key), self.model.remove(key), f"remove({key!r})")
            self.settle()

        @claimed("clear", entries=3)
        @rule()
        def clear(self) -> None:
            self.cache.call("clear")  # what it answers is EC-025
            self.model.clear()
            self.settle()

        @claimed("shrink", entries=2)
        @rule(size_bytes=sizes)
        def shrink_to(self, size_bytes: int) -> None:
            found = list(self.cache.call("shrink_to", bytes=size_bytes))
            _same(found, self.model.shrink_to(size_bytes), f"shrink_to({size_bytes})")
            self.settle()

        @claimed("pinning")
        @rule(key=keys)
        def pin(self, key: str) -> None:
            is_there = key in self.model.keys
            _same(self.cache.call("pin", key=key), is_there, f"pin({key!r})")
            self.model.pins[key] += is_there
            self.refresh(key)
            self.settle()

        @claimed("pinning")
        @rule(key=keys)
        def unpin(self, key: str) -> None:
            was_pinned = self.model.pins[key] > 0
            try:
                self.cache.call("unpin", key=key)
            except Refusal:
                assert not was_pinned, f"unpin({key!r}) of what is pinned was refused"
            else:
                assert was_pinned, f"unpin({key!r}) of what is not pinned was no error"
                self.model.pins[key] -= 1
            self.refresh(key)
            self.settle()

        @claimed("get_or_compute", "in_process")
        @rule(key=keys, tensor=tensors)
        def get_or_compute(self, key: str, tensor: Any) -> None:
            # Whether it counts as a request is nowhere said, nor whether what it finds is recent: `get` settles that.
            self.unsaid |= {"hits", "misses", "hit_rate"}
            found = told(self.cache.call("get_or_compute", key=key, compute=_Compute(tensor)))
            due = self.model.get(key)
            if due is not None:
                self.cache.get(key)
            else:
                due = tensor.told()
                self.model.set(key, tensor)
            _same(found, due, f"get_or_compute({key!r}, {tensor!r})")
            self.settle()

        def refresh(self, key: str) -> None:
            """Whether pins make an entry recent is nowhere said: `get` does."""
            _same(self.cache.get(key), self.model.get(key), f"get({key!r})")

        def settle(self) -> None:
            agrees(self.cache, self.model, _NAMES)
            agrees_in_stats(self.cache, self.model, but=self.unsaid)

    return Calls


class _Compute:
    """A computation, told as Python."""

    def __init__(self, tensor: Fill | View) -> None:
        self._tensor = tensor

    def __call__(self) -> Any:
        return self._tensor.tensor()

    def __repr__(self) -> str:
        return f"lambda: {self._tensor!r}"


def _same(found: object, expected: object, call: str) -> None:
    assert found == expected, f"{call} answered {found}, expected {expected}"
