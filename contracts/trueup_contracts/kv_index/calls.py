"""The suite's own way to call an index, and to hold it against the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, NoReturn

from trueup_contracts.errors import AdapterError, Refusal, WrongAnswerError
from trueup_contracts.kv_index.codec import Sent
from trueup_contracts.kv_index.drawing import Drawing, history
from trueup_contracts.kv_index.model import Model, Path, Worker
from trueup_contracts.kv_index.naming import BLOCK_SIZE, Naming, letters_of, path
from trueup_contracts.kv_index.steps import Clear, Leave, Remove, Step, Store, shown
from trueup_contracts.subject import Handle, Subject


class Index:
    """An open index."""

    def __init__(self, subject: Subject, block_size: Any = BLOCK_SIZE, **keywords: Any) -> None:
        """`keywords`: the factory's, of capabilities."""
        self.subject = subject
        self.handle: Handle = subject.open(block_size=block_size, **keywords)

    def apply(self, event: Any) -> None:
        """One event."""
        self.handle.call("apply", event=Sent("event", event))

    def matches(self, local_hashes: Sequence[int], **how: Any) -> dict[Worker, int]:
        """The depths, in whichever form they are told."""
        return depths(self.handle.call("find_matches", local_hashes=Sent("local_hashes", list(local_hashes)), **how))

    def matches_tokens(self, tokens: Sequence[int], **how: Any) -> dict[Worker, int]:
        """The depths for a prompt."""
        return depths(self.handle.call("find_matches_tokens", tokens=Sent("tokens", list(tokens)), **how))

    def remove_worker(self, worker_id: int) -> None:
        """All ranks."""
        self.handle.call("remove_worker", worker_id=Sent("worker_id", worker_id))

    @property
    def count(self) -> int:
        """Pairs of worker and block, as the index tells it."""
        found = self.handle.call("tracked_blocks")
        assert type(found) is int, f"tracked_blocks answered {found!r}; a number of blocks is due"
        return found

    def route(self, text: Sequence[int], worker: Worker) -> None:
        """A routed prompt."""
        worker_id = Sent("worker_id", worker[0])
        self.handle.call("route", tokens=Sent("tokens", list(text)), worker_id=worker_id, dp_rank=worker[1])


def depths(told: Any) -> dict[Worker, int]:
    """Matches as a mapping; `WrongAnswerError` for what is no answer of the contract."""
    __tracebackhide__ = True
    if isinstance(told, Mapping):
        pairs = list(told.items())
    elif isinstance(told, list | tuple):
        pairs = [_pair(one) for one in told]
    else:
        raise WrongAnswerError(f"matches are a mapping or a list; this is a {type(told).__name__}")
    found = {}
    for worker, depth in pairs:
        if not isinstance(worker, tuple) or len(worker) != 2:
            raise WrongAnswerError(f"a match is of (worker id, rank); this is one of {worker!r}")
        if worker in found:
            raise WrongAnswerError(f"worker {worker} is among the matches twice")
        found[worker] = depth
    return found


def _pair(one: Any) -> tuple[Any, Any]:
    """A match of a list."""
    __tracebackhide__ = True
    if not isinstance(one, Mapping) or not {"worker_id", "dp_rank", "depth"} <= one.keys():
        raise WrongAnswerError(f"a match in a list is {{'worker_id', 'dp_rank', 'depth'}}; this is {one!r}")
    return (one["worker_id"], one["dp_rank"]), one["depth"]


class Trial(Index):
    """An index and its model, which are given the same steps."""

    def __init__(self, subject: Subject, *, is_own: bool = False, **keywords: Any) -> None:
        """`is_own`: workers 3, 7, 11 … name blocks by recipes of their own (capability `opaque_hashes`)."""
        super().__init__(subject, **keywords)
        self.model = Model()
        self.naming = Naming(is_own=is_own)
        self.steps: list[Step] = []
        self.seen: dict[Path, None] = {}  # every path that a step spoke of, in order
        self._event_id = 0

    # Steps, for tests to be written in letters.

    def store(self, worker: Worker, text: str, below: str = "", tier: str | None = None, **beside: Any) -> None:
        """Stores these blocks, below a path."""
        self.take(Store(worker, path(below + text), len(below), tier, beside))

    def remove(self, worker: Worker, *texts: str, tier: str | None = None) -> None:
        """Removes the last block of each of these paths, in one event."""
        self.take(Remove(worker, tuple(path(text) for text in texts), tier))

    def clear(self, worker: Worker) -> None:
        """Cleared."""
        self.take(Clear(worker))

    def leave(self, worker_id: int) -> None:
        """`remove_worker`."""
        self.take(Leave(worker_id))

    def take(self, step: Step, event_id: int | None = None) -> None:
        """A step on both. Whether an unknown parent is refused is another requirement's; an unknown removal may be."""
        __tracebackhide__ = True
        self.steps.append(step)
        self.seen |= dict.fromkeys(step.paths())
        may_refuse = self._may_refuse(step)
        try:
            if isinstance(step, Leave):
                self.remove_worker(step.worker_id)
            else:
                self.apply(step.event(self.naming, self._event_id if event_id is None else event_id))
        except Refusal as refusal:
            if not may_refuse or refusal.code != "invalid":
                self.fail(f"{step}: refused as {refusal.code!r}: {refusal.message}")
        except AdapterError as error:
            raise AdapterError(f"{step}: {error}\n\n{history(self.steps)}") from error
        self._event_id += 1
        step.apply(self.model)

    def _may_refuse(self, step: Step) -> bool:
        """Whether the step names a block that is not held, or of which systems disagree whether it is."""
        if isinstance(step, Store):
            parent = step.path[: step.below]
            return not self.model.knows(step.worker, parent) or parent in self.model.held(step.worker).unsure
        if isinstance(step, Remove):
            held = self.model.held(step.worker)
            blocks = step.blocks
            return len(set(blocks)) < len(blocks) or any(one not in held.tiers or one in held.unsure for one in blocks)
        return False

    # Comparing.

    def agrees(self, *asked: str, is_strict: bool = False, is_counted: bool = False) -> None:
        """Every path that was spoken of, and those asked, must be matched as the model says.

        A worker that has removed a block in the middle is not asked about until it has stored or removed the rest,
        unless `is_strict`. The count must be the model's too where `is_counted`.
        """
        __tracebackhide__ = True
        for one in (*self._ends(), *map(path, asked)):
            self.agrees_on(one, is_strict=is_strict)
        if is_counted:
            self.agrees_on_count(is_strict=is_strict)

    def agrees_on_count(self, *, is_strict: bool = False) -> None:
        """The number of blocks held."""
        __tracebackhide__ = True
        found, most = self.count, self.model.count
        least = most if is_strict else most - self.model.unsure
        if not least <= found <= most:
            due = f"{most}" if least == most else f"{least} to {most}"
            self.fail(f"tracked_blocks is {found}, and the workers hold {due} in all")

    def agrees_on(self, one: Path, *, is_strict: bool = False) -> None:
        """The same of one request."""
        __tracebackhide__ = True
        found, due = self.matches(one), self.model.depths(one)
        for worker in {**found, **due}:
            if self.model.held(worker).unsure and not is_strict:
                continue
            if found.get(worker) != due.get(worker):
                told = f"depth {found[worker]!r}" if worker in found else "no match"
                holds = due.get(worker, 0)
                self.fail(f"a request of {letters_of(one)}: {told} for {shown(worker)}, and it holds {holds}", one)

    def _ends(self) -> list[Path]:
        """The longest of the paths: the depths along one tell those of all before its end."""
        in_order = sorted(self.seen)  # what begins with a path stands right behind it
        inner = {one for one, other in pairwise(in_order) if other[: len(one)] == one}
        return [one for one in self.seen if one not in inner]

    def fail(self, what: str, asked: Path | None = None) -> NoReturn:
        """The failure, with the steps that led to it and the two answers side by side."""
        __tracebackhide__ = True
        told = str(Drawing(self.steps, self.model, [*self._ends(), *([asked] if asked is not None else [])], self._ask))
        if asked is not None:
            self._ask(asked)  # once more, so that it is the last call of those that repeat the failure
        raise AssertionError(f"{what}\n\n{told}")

    def _ask(self, one: Path) -> dict[Worker, int] | None:
        try:
            return self.matches(one)
        except (Refusal, AdapterError, AssertionError):
            return None
