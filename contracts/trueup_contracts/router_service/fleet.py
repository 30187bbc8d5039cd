"""A router with its workers and its client, for one test, or for all that want the same."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import signal
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from trueup_contracts.budgets import Budgets
from trueup_contracts.processes import ending
from trueup_contracts.router_service import protocol
from trueup_contracts.router_service.background import Background
from trueup_contracts.router_service.client import Client, Stream
from trueup_contracts.router_service.grids import Grid
from trueup_contracts.router_service.steps import Gate
from trueup_contracts.router_service.workers import Asked, Worker
from trueup_contracts.services.command import CommandHandle, CommandSubject, written
from trueup_contracts.services.running import Running
from trueup_contracts.subject import Subject

MOST_KEPT = 6  # routers that wait for tests that want the same
IDLE_S = 2.0  # for a router to leave the workers of answers that the test has left
_Found = TypeVar("_Found")
_KEPT: weakref.WeakKeyDictionary[Subject, OrderedDict[str, Fleet]] = weakref.WeakKeyDictionary()


class Router(Client):
    """One process of the implementation, and the client that asks it."""

    def __init__(self, background: Background, budgets: Budgets, handle: CommandHandle) -> None:
        super().__init__(background, budgets, handle.url, handle.note)
        self.handle = handle
        self.is_to_end = False

    @property
    def running(self) -> Running:
        """Its process."""
        return self.handle.running

    def terminate(self) -> None:
        """SIGTERM."""
        self.is_to_end = True
        self.running.terminate()

    def kill(self) -> None:
        """SIGKILL, to all processes that it consists of."""
        self.is_to_end = True
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.running.process.pid, signal.SIGKILL)

    @property
    def status(self) -> int | None:
        """Its exit status, or nothing while it runs."""
        return self.running.process.poll()

    def wait_until_ended(self) -> int:
        """Its exit status, negative for a signal. It has the budget of a signal."""
        __tracebackhide__ = True
        self._budgets.until(lambda: self.status is not None, "the end of the router")
        assert self.status is not None
        return self.status


class Fleet:
    """Workers by namespace, and one router or several over them.

    What is done to the router itself (`reload`, `rediscover`, `terminate`) ends the sharing: the next test gets a fleet
    of its own.
    """

    def __init__(
        self, subject: CommandSubject, grid: Grid, workers: Mapping[str, int], service: Mapping[str, Any]
    ) -> None:
        """`workers`: how many by namespace; one where a namespace is not named."""
        self.subject, self.grid, self.service = subject, grid, service
        self.budgets = Budgets(subject.scale)
        self.background = Background()
        self.is_spent = False
        self.replicas = 1  # routers that it began with
        self.uses = 0  # tests that had it
        self.routers: list[Router] = []
        self.workers: list[Worker] = []
        self._numbers = itertools.count(1)
        self._entries: list[Mapping[str, Any]] = []
        for namespace, phase in grid:
            for number in range(workers.get(namespace, 1)):
                self.add_worker(namespace, phase, f"{namespace}-w{number}")
        self._entries = [worker.entry for worker in self.workers]

    @property
    def router(self) -> Router:
        """The first one."""
        return self.routers[0]

    def worker(self, namespace: str, number: int = 0) -> Worker:
        """A worker of a namespace, from 0."""
        return self.workers_of(namespace)[number]

    def workers_of(self, *namespaces: str) -> list[Worker]:
        """The workers of these namespaces."""
        return [one for one in self.workers if one.namespace in namespaces]

    def worker_of(self, asked: Asked) -> Worker:
        """Who was asked."""
        return self.workers[asked.number]

    @property
    def first(self) -> list[Worker]:
        """The workers of the phase that a request begins with."""
        return self.workers_of(*self.grid.first)

    @property
    def last(self) -> list[Worker]:
        """The workers of the phase that items come from."""
        return self.workers_of(*self.grid.last)

    def add_worker(self, namespace: str, phase: str, identity: str) -> Worker:
        """One more, which discovery does not tell yet."""
        worker = Worker(self.background, len(self.workers), identity, namespace, phase, self._note)
        self.workers.append(worker)
        return worker

    def asked(self, request_id: str | None = None, phase: str | None = None) -> list[Asked]:
        """What the workers were asked, in its order: all, or of one request or phase."""
        found = [one for worker in self.workers for one in worker.asked]
        found = [one for one in found if request_id is None or one.request_id == request_id]
        return sorted((one for one in found if phase is None or one.phase == phase), key=lambda one: one.at_s)

    def new_id(self, what: str = "request") -> str:
        """An id that no other request of this fleet has."""
        return f"{what}-{os.getpid()}-{next(self._numbers)}"

    def request(self, **changes: Any) -> dict[str, Any]:
        """A plain request with an id of its own, and these fields; a field that is None is left out."""
        body = {"request_id": self.new_id(), "token_ids": [11, 12, 13, 14], "max_tokens": 3, **changes}
        return {name: value for name, value in body.items() if value is not None}

    def generate(self, headers: Mapping[str, str] | None = None, **changes: Any) -> Stream:
        """Sends it to the first router; comes back at once."""
        return self.router.generate(self.request(**changes), headers)

    def until(self, look: Callable[[], _Found | None], what: str, limit_s: float | None = None) -> _Found:
        """What `look` finds at last of what workers and streams tell; by default within the budget of a signal."""
        __tracebackhide__ = True
        return self.background.until(look, what, self.budgets.signal_s if limit_s is None else limit_s)

    def until_reached(self, gate: Gate, count: int = 1) -> None:
        """Until so many have come to a gate."""
        __tracebackhide__ = True
        self.until(lambda: gate.reached >= count, f"{count} requests at a worker's gate, where {gate.reached} are")

    def until_asked(self, *workers: Worker, count: int = 1) -> Asked:
        """The last that these workers (all, where none is named) were asked, when it is so many in all."""
        __tracebackhide__ = True
        chosen = workers or tuple(self.workers)

        def look() -> list[Asked] | None:
            found = [one for worker in chosen for one in worker.asked]
            return found if len(found) >= count else None

        names = ", ".join(worker.id for worker in chosen)
        return max(self.until(look, f"request {count} at {names}"), key=lambda one: one.at_s)

    def until_ready(self, *, is_ready: bool = True, router: Router | None = None) -> dict[str, Any]:
        """What `/readyz` tells when it answers 200, or, where that is not to be, when it does not."""
        __tracebackhide__ = True
        asked = router or self.router

        def look() -> Stream | None:
            found = asked.look(protocol.READY)
            return found if found.has_status and (found.status == 200) == is_ready else None

        return self.budgets.until(look, f"GET {protocol.READY}: {'' if is_ready else 'not '}200").json

    def reload(self, grid: Mapping[str, Any] | bytes, router: Router | None = None) -> None:
        """Replaces the grid's file, and sends SIGHUP; to all routers, or to one."""
        self.is_spent = True
        self._note("# another grid is written over the first, and SIGHUP sent")
        for one in [router] if router else self.routers:
            replace(one.handle.paths["config"], grid)
            one.running.process.send_signal(signal.SIGHUP)

    def rediscover(self, entries: Sequence[Mapping[str, Any] | Worker]) -> None:
        """Replaces the discovery file: these workers, and no others."""
        self.is_spent = True
        self._entries = [one.entry if isinstance(one, Worker) else one for one in entries]
        names = ", ".join(str(one.get("id")) for one in self._entries) or "no workers"
        self._note(f"# the discovery file is replaced: {names}")
        for router in self.routers:
            replace(router.handle.paths["discovery"], discovery(self._entries))

    def terminate(self) -> None:
        """SIGTERM to the first router."""
        self.is_spent = True
        self._note(f"kill -TERM {self.router.running.process.pid}")
        self.router.terminate()

    def second_router(self) -> Router:
        """One more router over the same workers, with files of its own. It ends with the test."""
        return self.start_router()

    def start_router(self, ready_path: str = protocol.READY) -> Router:
        """A router that is ready."""
        __tracebackhide__ = True
        files = {"config": self.grid.config, "discovery": discovery(self._entries), "service": self.service}
        router = Router(self.background, self.budgets, self.subject.start(files, ready_path))
        # The workers go with the first one.
        self.subject.keep(router.handle, (lambda: None) if self.routers else self.close)
        self.routers.append(router)
        return router

    def _note(self, text: str) -> None:
        if self.routers:
            self.router.handle.note(text)

    def reset(self) -> None:
        """For the next test: workers answer whole, and have been asked nothing."""
        for worker in self.workers:
            worker.reset()

    def leave(self) -> None:
        """Leaves what the test has not waited for; where the workers are not left then too, nobody shares this."""
        for router in self.routers:
            router.close()
        while len(self.routers) > self.replicas:
            self.subject.drop(self.routers.pop().handle)
        if self.is_spent:
            return
        try:
            idle_s = IDLE_S * self.subject.scale
            self.until(lambda: not any(worker.in_flight for worker in self.workers), "idle workers", idle_s)
        except AssertionError:
            self.is_spent = True

    @property
    def is_whole(self) -> bool:
        """Whether another test may have it."""
        return not self.is_spent and all(router.status is None for router in self.routers)

    def close(self) -> None:
        """Ends the workers; routers are ended by their subject."""
        for worker in self.workers:
            worker.close()
        self.background.close()


@contextlib.contextmanager
def fleet(
    subject: Subject,
    grid: Grid,
    *,
    workers: Mapping[str, int] | None = None,
    service: Mapping[str, Any] | None = None,
    fresh: bool = False,
    ready_path: str = protocol.READY,
    are_up: bool = True,
    replicas: int = 1,
) -> Iterator[Fleet]:
    """A running router, or several, over scripted workers, one for each namespace where `workers` says nothing else.

    `service`: changes to `protocol.SERVICE`. `are_up`: whether the workers listen when the router starts. A fleet is
    kept for the tests that ask for the same, unless it is `fresh`, its test failed, or did something to it that others
    must not see.
    """
    __tracebackhide__ = True
    assert isinstance(subject, CommandSubject)
    settings = protocol.service(service or {}, subject.scale)
    key = json.dumps([grid.config, workers or {}, settings, ready_path, are_up, replicas], sort_keys=True)
    found = None if fresh else _kept(subject, key)
    if found is None:
        found = Fleet(subject, grid, workers or {}, settings)
        try:
            for worker in [] if are_up else found.workers:
                worker.stop()
            found.replicas = replicas
            for _ in range(replicas):
                found.start_router(ready_path)
        except BaseException:
            if found.routers:
                _end(subject, found)
            else:
                found.close()
            raise
    subject.show(found.router.handle)
    try:
        yield found
    except BaseException as error:
        found.is_spent = True
        status = found.router.status
        if isinstance(error, AssertionError) and status is not None and not found.router.is_to_end:
            raise AssertionError(f"{error}; the router {ending(status)} meanwhile") from error
        raise
    finally:
        found.leave()
        if fresh or not found.is_whole:
            _end(subject, found)
        else:
            _keep(subject, key, found)


def discovery(entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A discovery file."""
    return {"version": 1, "workers": list(entries)}


def replace(path: Path, value: Mapping[str, Any] | bytes) -> None:
    """Writes a file anew, at once: who reads it sees the old one or the new one."""
    new = path.with_name(f".{path.name}.new")
    new.write_bytes(value if isinstance(value, bytes) else written(value).encode())
    os.replace(new, path)


def _kept(subject: CommandSubject, key: str) -> Fleet | None:
    found = _KEPT.get(subject, OrderedDict()).pop(key, None)
    if found is None:
        return None
    if not found.is_whole:
        _end(subject, found)
        return None
    found.reset()
    return found


def _keep(subject: CommandSubject, key: str, found: Fleet) -> None:
    fleets = _KEPT.setdefault(subject, OrderedDict())
    if key in fleets:  # one test had two of them
        _end(subject, found)
        return
    found.uses += 1
    fleets[key] = found
    if len(fleets) > MOST_KEPT:  # the oldest goes, but for the one that most tests want
        wanted = max(fleets.values(), key=lambda one: one.uses)
        oldest = next(each for each, one in fleets.items() if one is not wanted)
        _end(subject, fleets.pop(oldest))


def _end(subject: CommandSubject, found: Fleet) -> None:
    for router in reversed(found.routers):
        subject.drop(router.handle)
