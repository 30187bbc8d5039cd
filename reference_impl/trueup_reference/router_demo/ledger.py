"""What became of every request, in the words of the service's contract.

*Accepted*: the router has sent its first event. *Completed*: ended by `finish`. *Errored*: ended by `error`.
*Interrupted*: the router's process died with the stream open. *Lost*: accepted, and none of these.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, NamedTuple

# The last two were never accepted: the router said no, or was not there.
Outcome = Literal["completed", "errored", "interrupted", "lost", "refused", "unreached"]
ENDS: tuple[Outcome, ...] = ("completed", "errored", "interrupted", "lost")


class Hop(NamedTuple):
    """A dispatch, as the event `routed` tells it."""

    phase: str
    pool: str
    worker: str
    attempt: int


@dataclass
class Try:
    """A request as it was sent to one router once. Times in seconds of the ledger."""

    router: str  # its name, and how often it had been started
    wire_id: str
    began_s: float
    outcome: Outcome | None = None
    code: str | None = None
    note: str | None = None
    is_accepted: bool = False
    hops: list[Hop] = field(default_factory=list)
    hop_s: float = 0.0  # of the last one
    items: int = 0
    first_item_s: float | None = None
    ended_s: float | None = None


@dataclass
class Entry:
    """A request of a client, under the id that the client knows."""

    request_id: str
    kind: str
    tries: list[Try] = field(default_factory=list)
    wrong: str | None = None  # what its answer has that it must not have

    @property
    def final(self) -> Outcome | None:
        """What became of it in the end: of the last try."""
        return self.tries[-1].outcome if self.tries else None

    @property
    def was_interrupted(self) -> bool:
        """Whether a router died under it."""
        return any(one.outcome == "interrupted" for one in self.tries)

    @property
    def failovers(self) -> int:
        """Dispatches after the first of each phase, within one try."""
        return sum(len(one.hops) - len({hop.phase for hop in one.hops}) for one in self.tries)


@dataclass
class PoolCount:
    """What clients saw of a pool."""

    dispatches: int = 0
    in_flight: int = 0
    failed: int = 0  # dispatches that were followed by another of the same phase
    took_s: list[float] = field(default_factory=list)  # to the next phase, or the first item


class Ledger:
    """Every request, and what is counted of them."""

    def __init__(self) -> None:
        """Empty."""
        self.entries: dict[str, Entry] = {}
        self.pools: dict[str, PoolCount] = {}

    def open(self, request_id: str, kind: str = "") -> Entry:
        """A new request. `ValueError` where the id has been there before."""
        if request_id in self.entries:
            raise ValueError(f"{request_id!r} is in the ledger")
        entry = self.entries[request_id] = Entry(request_id, kind)
        return entry

    def hop(self, one: Try, hop: Hop, now_s: float) -> None:
        """The try was dispatched, and with that the dispatch before it is over."""
        if one.hops:
            before = self.pool(one.hops[-1].pool)
            before.in_flight -= 1
            if any(each.phase == hop.phase for each in one.hops):
                before.failed += 1
            else:
                before.took_s.append(now_s - one.hop_s)
        one.hops.append(hop)
        one.hop_s = now_s
        pool = self.pool(hop.pool)
        pool.dispatches += 1
        pool.in_flight += 1

    def ended(self, one: Try) -> None:
        """The try is over."""
        if one.hops:
            pool = self.pool(one.hops[-1].pool)
            pool.in_flight -= 1
            if one.first_item_s is not None:
                pool.took_s.append(one.first_item_s - one.hop_s)

    def pool(self, namespace: str) -> PoolCount:
        """What is counted of it."""
        return self.pools.setdefault(namespace, PoolCount())

    def counts(self) -> dict[str, Any]:
        """Requests by what became of them in the end, streams by how they ended, and what must be 0."""
        entries = list(self.entries.values())
        tries = [one for entry in entries for one in entry.tries]
        streams = Counter(str(one.outcome) for one in tries)
        accepted = [one for one in tries if one.is_accepted]
        interrupted = [entry for entry in entries if entry.was_interrupted]
        return {
            "requests": len(entries),
            "requests_completed": _ending(entries, "completed"),
            "requests_errored": _ending(entries, "errored"),
            "requests_lost": sum(any(one.outcome == "lost" for one in entry.tries) for entry in entries),
            "requests_given_up": sum(entry.final in ("refused", "unreached", "interrupted", None) for entry in entries),
            "requests_interrupted": len(interrupted),
            "interrupted_then_completed": _ending(interrupted, "completed"),
            "answers_wrong": sum(entry.wrong is not None for entry in entries),
            "accepted": len(accepted),
            **{end: streams[end] for end in ENDS},
            "refused": streams["refused"],
            "unreached": streams["unreached"],
            "errors": dict(Counter(str(one.code) for one in tries if one.outcome == "errored")),
            "refusals": dict(Counter(str(one.code) for one in tries if one.outcome == "refused")),
            "failovers": sum(entry.failovers for entry in entries),
        }

    def broken_promises(self) -> list[str]:
        """What the contract promises, and has not been kept; empty where all was."""
        found = self.counts()
        broken = [f"{found['requests_lost']} requests were lost"] if found["requests_lost"] else []
        if sum(found[end] for end in ENDS) != found["accepted"]:
            broken.append(f"{found['accepted']} were accepted, and {sum(found[end] for end in ENDS)} ended")
        late = found["requests_interrupted"] - found["interrupted_then_completed"]
        if late:
            broken.append(f"{late} interrupted requests were not completed by the client's retry")
        if found["answers_wrong"]:
            broken.append(f"{found['answers_wrong']} answers have other items than they must")
        return broken

    def told(self) -> list[dict[str, Any]]:
        """Every request, for a file."""
        return [asdict(entry) for entry in self.entries.values()]


def _ending(entries: Iterable[Entry], outcome: Outcome) -> int:
    return sum(entry.final == outcome for entry in entries)
