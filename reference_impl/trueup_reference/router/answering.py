"""One request: from its admission over phases and attempts to the last event of its answer."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from types import AsyncGeneratorType, TracebackType
from typing import Any, Self, cast

from trueup_reference.router.attempts import Attempt
from trueup_reference.router.clocks import Clock
from trueup_reference.router.courses import Course, Slots
from trueup_reference.router.plan import Plan
from trueup_reference.router.pools import Use
from trueup_reference.router.protocol import Event, Request, RouterError
from trueup_reference.router.shared import Shared
from trueup_reference.router.workers import WorkerFailure
from trueup_reference.worker_protocol import Asked


class Answer:
    """The events of one request, `accepted` first: `async with` and `async for`. Used by one task at a time.

    Leaving the context ends the worker's work and frees every slot, at once; `close()` does the same from anywhere.
    """

    def __init__(self, shared: Shared, plan: Plan, request: Request) -> None:
        """`RouterError` for a request that the plan has no answer to. It is admitted by `admit`."""
        choices = {phase: plan.choose(phase, request) for phase in plan.phases_of(request)}
        self.request_id = request.request_id
        self.pools: tuple[str, ...] = ()  # namespaces it was sent to, so far
        self.is_accepted = False
        self._shared = shared
        self._request = request
        self._received = time.monotonic() if request.received_s is None else request.received_s
        timeout_ms, deadline_ms = shared.service.timeouts_ms.total, request.deadline_ms
        self._total_ms = timeout_ms if deadline_ms is None else min(timeout_ms, deadline_ms)
        self._clock = Clock(shared.loop, self._received + self._total_ms / 1000, self._timed_out, self._let_go)
        self._slots = Slots(shared.admission)
        given = shared, self._clock, self._slots
        self._courses = [Course(*given, phase, choice, self.request_id) for phase, choice in choices.items()]
        self._present = self._courses[0]
        self._attempt: Attempt | None = None
        self._outcome: str | None = None
        self._events = self._run()
        self._ready: list[Event] = []  # for one at a time, the next one last
        self._final: list[Event] = []
        self._headers: dict[str, str] = {}
        if request.traceparent is not None:
            self._headers["traceparent"] = request.traceparent
            if request.tracestate is not None:
                self._headers["tracestate"] = request.tracestate
        shared.live.add(self)

    async def admit(self) -> None:
        """Waits for its slots. `RouterError` where it gets none."""
        wanted = {each.phase: each.namespace for each in self._courses}
        pools = tuple(dict.fromkeys(wanted.values()))
        if self._clock.left_s <= 0:
            self.stop(self._timed_out())
        if self._clock.stopped is not None or not self._shared.admission.try_enter(*pools):
            try:
                await self._clock.wait(self._shared.admission.enter(pools))
            except BaseException:
                self._release()
                raise
        self._slots.take_over(wanted)
        self.is_accepted = True
        metrics = self._shared.metrics
        metrics.accepted()
        metrics.admitted(self._present.namespace, time.monotonic() - self._received)
        for each in self._courses:
            metrics.selected(each.phase, each.namespace, each.reason)

    async def batch(self) -> list[Event]:
        """The next events, as many as have come; empty after the last one."""
        try:
            return await anext(self._events)
        except StopAsyncIteration:
            final, self._final = self._final, []
            return final

    @property
    def pool(self) -> str:
        """The namespace that it waits for, or that works for it."""
        return self._present.namespace

    def stop(self, why: RouterError) -> None:
        """Ends it by this error."""
        self._clock.stop(why)

    def close(self) -> None:
        """Ends it; may be called again."""
        if self._outcome is None:
            stopped = self._clock.stopped
            self._note(stopped.code if isinstance(stopped, RouterError) else "client_gone")
            self.stop(RouterError("draining", "the request was closed"))
        self._release()

    def __aiter__(self) -> Self:
        """Itself."""
        return self

    async def __anext__(self) -> Event:
        """The next event; after `finish` or `error` there is none."""
        if not self._ready:
            self._ready = (await self.batch())[::-1]
            if not self._ready:
                raise StopAsyncIteration
        return self._ready.pop()

    async def __aenter__(self) -> Self:
        """Itself."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closed. An `Exception` here is the application's, and no client that has gone."""
        if isinstance(error, Exception) and not isinstance(error, OSError):
            self._note("internal")
        self.close()
        if not cast("AsyncGeneratorType[list[Event], None]", self._events).ag_running:
            await self._events.aclose()

    async def _run(self) -> AsyncGenerator[list[Event], None]:
        """All events but the last ones, which `_final` has then: a generator that is over leaves nothing to close."""
        told = [Event.of("accepted", {"request_id": self.request_id})]
        number = 0
        transfer: Any = self._request.transfer
        try:
            while True:
                course = self._present = self._courses[number]
                while (taken := course.take()) is None:
                    if told:
                        yield told
                        told = []
                    await course.wait()
                use, count = taken
                attempt = self._attempt = self._begin(course, use, count, transfer)
                await course.pause(use)
                yield [*told, self._routed(course, use, count)]
                told = []
                try:
                    events = await attempt.next()
                    while attempt.finish is None:
                        yield events
                        events = await attempt.next()
                except WorkerFailure as failure:
                    course.failed(use, failure, may_retry=not attempt.answer.items)
                    if failure.taken and number:  # the transfer may have gone with the worker
                        number, transfer = number - 1, None
                        await self._clock.wait(self._courses[number].begin_again())
                    continue
                self._slots.leave(course.phase)
                if number + 1 == len(self._courses):
                    break
                number, transfer = number + 1, attempt.answer.transfer
        except RouterError as error:
            self._end(error.code, [Event.of("error", error.told(self.request_id))])
            return
        if attempt.answer.transfer_event is not None:
            events.append(attempt.answer.transfer_event)
        self._end("completed", [*events, attempt.finish])

    def _begin(self, course: Course, use: Use, count: int, transfer: Any) -> Attempt:
        request = self._request
        asked = Asked(
            request_id=request.request_id,
            router_id=self._shared.router_id,
            attempt=count,
            phase=course.phase,
            token_ids=request.token_ids,
            max_tokens=request.max_tokens,
            targets={"ttft_ms": request.ttft_target_ms, "itl_ms": request.itl_target_ms},
            priority=request.priority,
            transfer=transfer,
        )
        return Attempt(self._shared, self._clock, use, asked, self._headers, self._received)

    def _routed(self, course: Course, use: Use, count: int) -> Event:
        pool = course.namespace
        if pool not in self.pools:
            self.pools += (pool,)
        about = {"phase": course.phase, "pool": pool, "worker": use.instance.entry.id, "attempt": count}
        return Event.of("routed", about)

    def _timed_out(self) -> RouterError:
        message = f"the request had {self._total_ms:g} ms, and they are over"
        return RouterError("timeout_total", message, pool=self.pool)

    def _end(self, outcome: str, events: list[Event]) -> None:
        self._note(outcome)
        self._let_go()
        self._final = events

    def _note(self, outcome: str) -> None:
        if self._outcome is None:
            self._outcome = outcome
            if self.is_accepted:
                self._shared.metrics.ended(outcome)

    def _let_go(self) -> None:
        """Nothing of a worker or a pool is held any more."""
        if self._attempt is not None:
            self._attempt.close()
        self._slots.leave_all()

    def _release(self) -> None:
        self._let_go()
        self._clock.close()
        self._shared.ended(self)
