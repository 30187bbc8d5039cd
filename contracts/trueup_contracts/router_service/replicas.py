"""Several routers over the same workers: RS-116 to RS-118."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from trueup_contracts import requirement
from trueup_contracts.router_service import grids
from trueup_contracts.router_service.fleet import Fleet, Router, fleet
from trueup_contracts.router_service.retrying import whole_of
from trueup_contracts.router_service.scripting import give
from trueup_contracts.router_service.steps import Gate, Hold, Item, complete
from trueup_contracts.subject import Subject

POOLS = 4
TTFT_MS = (0, 1, 999, 999.9, 1_000, 1_001, 2_000, 2_500, 3_000, 3_999, 4_000, 1e9, None)
LENGTHS = (1, 64)


@contextmanager
def _two_routers(subject: Subject) -> Iterator[tuple[Fleet, Router, Router]]:
    with fleet(subject, grids.by_target(subject, POOLS), replicas=2) as served:
        first, second = served.routers
        yield served, first, second


@requirement("RS-116")
def test_replicas_choose_the_same_pools(trueup_subject: Subject) -> None:
    with _two_routers(trueup_subject) as (served, *routers):
        for ttft_ms in TTFT_MS:
            for length in LENGTHS:
                changes: dict[str, Any] = {"token_ids": [5] * length, "max_tokens": 1}
                if ttft_ms is not None:
                    changes["targets"] = {"ttft_ms": ttft_ms}
                chosen = []
                for router in routers:
                    stream = router.generate(served.request(**changes))
                    stream.finished()
                    chosen.append([one.get("pool") for one in stream.named("routed")])
                assert chosen[0] == chosen[1], (
                    f"{length} tokens with the TTFT target {ttft_ms}: one chose {chosen[0]}, the other {chosen[1]}"
                )


@requirement("RS-117")
def test_each_router_has_an_id_of_its_own(trueup_subject: Subject) -> None:
    with _two_routers(trueup_subject) as (served, first, second):
        body = served.request()
        for router in (first, second):
            router.generate(body).finished()
        keys = [one.key for one in served.asked(body["request_id"])]
        assert len(set(keys)) == len(keys), f"two routers gave workers the same key: {keys}"
        names = {one.body.get("router_id") for one in served.asked(body["request_id"])}
        assert len(names) == 2, f"two routers have the router_ids {names}"


@requirement("RS-118")
def test_an_interrupted_request_completes_through_another_router(trueup_subject: Subject) -> None:
    gates = [Gate(), Gate()]  # before the first item, and after it
    with _two_routers(trueup_subject) as (served, first, second):
        bodies = [served.request(max_tokens=2), served.request(max_tokens=3)]
        give(
            served.last,
            lambda asked: [Hold(gates[0])] if asked.max_tokens == 2 else [Item(), Hold(gates[1])],
        )
        streams = [first.generate(body) for body in bodies]
        served.until(lambda: gates[0].reached and gates[1].reached, "two requests at workers")
        streams[1].until("item")
        served.reset()
        give(served.last, complete)
        first.kill()
        for stream in streams:
            stream.wait()
            last = stream.events[-1].name if stream.events else None
            assert last not in ("finish", "error"), f"its router was killed, and it looks whole: {stream.told}"
        for body, count in zip(bodies, (2, 3), strict=True):
            events = second.generate(body).finished()
            asked = served.asked(body["request_id"], served.grid.phases[-1])
            whole_of(events, asked[-1], count)
