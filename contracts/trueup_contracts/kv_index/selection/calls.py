"""The suite's own way to call a selector."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from numbers import Real
from typing import Any, NamedTuple

from trueup_contracts.errors import Refusal, WrongAnswerError
from trueup_contracts.kv_index.selection import codec
from trueup_contracts.subject import Handle, Subject

Pair = tuple[int, int]  # a worker: id and rank
IDLE = (0, 0)


class Ask(NamedTuple):
    """A request. `overlaps`: worker to depth."""

    id: str
    isl: int
    hashes: tuple[int, ...] = ()
    overlaps: Mapping[Pair, Any] = {}
    pinned: Pair | None = None


class Selector:
    """An open selector."""

    def __init__(
        self,
        subject: Subject,
        block_size: int = 16,
        overlap_weight: float = 1.0,
        temperature: float = 0.0,
        seed: int = 0,
    ) -> None:
        self.handle: Handle = subject.open(
            block_size=block_size, overlap_weight=overlap_weight, temperature=temperature, seed=seed
        )
        self._strayed = ""  # the first request that went elsewhere than where it was pinned: it explains later loads

    def select(self, ask: Ask, candidates: Sequence[Pair], overlaps: Iterable[Pair] | None = None) -> Pair:
        """The worker chosen; `overlaps`: the order in which they are told."""
        __tracebackhide__ = True
        order = list(ask.overlaps) if overlaps is None else list(overlaps)
        told = [{"worker_id": each[0], "dp_rank": each[1], "depth": ask.overlaps[each]} for each in order]
        request = {
            "id": ask.id,
            "isl": ask.isl,
            "seq_hashes": list(ask.hashes),
            "pinned": list(ask.pinned) if ask.pinned is not None else None,
        }
        chosen = self.select_raw(request, told, [list(each) for each in candidates], candidates)
        if ask.pinned is not None and chosen != ask.pinned and not self._strayed:
            self._strayed = f"; {ask.id!r} was pinned to {list(ask.pinned)} before, and {list(chosen)} was answered"
        return chosen

    def select_raw(self, request: Any, overlaps: Any, candidates: Any, due: Iterable[Any] = ()) -> Pair:
        """The same of arguments as they go over the wire; the answer must be one of `due`, if any."""
        __tracebackhide__ = True
        found = self.handle.call(
            "select",
            request=codec.request(request),
            overlaps=codec.overlaps(overlaps),
            candidates=codec.candidates(candidates),
        )
        chosen = _pair(found)
        allowed = [tuple(each) for each in due]
        if allowed and chosen not in allowed:
            raise AssertionError(f"select answered {list(chosen)}, which is no candidate: {[*map(list, allowed)]}")
        return chosen

    def refusal(self, ask: Ask, candidates: Sequence[Pair]) -> str | None:
        """Why a request was refused, or nothing where it was not."""
        try:
            self.select(ask, candidates)
        except Refusal as refusal:
            return refusal.code
        return None

    def prefill_done(self, identity: str) -> None:
        """The prompt has been computed."""
        __tracebackhide__ = True
        self.handle.call("prefill_done", id=identity)

    def free(self, identity: str) -> None:
        """The request has ended."""
        __tracebackhide__ = True
        try:
            self.handle.call("free", id=identity)
        except Refusal as refusal:
            raise AssertionError(f"free({identity!r}) was refused: {refusal}; it is idempotent") from refusal

    def active(self, worker: Pair) -> tuple[float, float]:
        """Prefill tokens and decode blocks."""
        __tracebackhide__ = True
        found = self.handle.call("active", worker=codec.worker(list(worker)))
        if not isinstance(found, Mapping) or not {"prefill_tokens", "decode_blocks"} <= found.keys():
            raise WrongAnswerError(f"active answered {found!r}; prefill_tokens and decode_blocks are due")
        return _number(found["prefill_tokens"]), _number(found["decode_blocks"])

    def loaded(self, workers: Iterable[Pair]) -> dict[Pair, tuple[float, float]]:
        """The loads of these workers."""
        __tracebackhide__ = True
        return {worker: self.active(worker) for worker in workers}

    def must_hold(self, due: Mapping[Pair, tuple[float, float]], when: str) -> None:
        """Every load is this one."""
        __tracebackhide__ = True
        for worker, (tokens, blocks) in due.items():
            found = self.active(worker)
            if not same(found, (tokens, blocks)):
                raise AssertionError(
                    f"{when}, active({list(worker)}) is {_told(found)}, expected {_told((tokens, blocks))}"
                    f"{self._strayed}"
                )


def same(found: tuple[float, float], due: tuple[float, float]) -> bool:
    """Whether two loads are the same, but for rounding: overlaps with a fraction leave some in the prefill tokens."""
    return math.isclose(found[0], due[0], rel_tol=1e-9, abs_tol=1e-6) and found[1] == due[1]


def _pair(found: Any) -> Pair:
    is_pair = isinstance(found, Sequence) and not isinstance(found, str | bytes) and len(found) == 2
    if not is_pair or not all(isinstance(each, int) and not isinstance(each, bool) for each in found):
        raise WrongAnswerError(f"select answered {found!r}; a worker [id, rank] is due")
    return found[0], found[1]


def _number(found: Any) -> float:
    if isinstance(found, bool) or not isinstance(found, Real):
        raise WrongAnswerError(f"active answered {found!r} where a number is due")
    return float(found)


def _told(load: tuple[float, float]) -> str:
    return f"{load[0]:g} prefill tokens and {load[1]:g} decode blocks"
