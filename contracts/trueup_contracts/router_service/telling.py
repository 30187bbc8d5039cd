"""Readiness and metrics: RS-048 and RS-049."""

from __future__ import annotations

from trueup_contracts import requirement
from trueup_contracts.metrics import normal
from trueup_contracts.metrics.accepting import media_type
from trueup_contracts.metrics.calls import lawful, some
from trueup_contracts.metrics.reading import Page
from trueup_contracts.router_service import formats, grids, protocol
from trueup_contracts.router_service.fleet import Fleet, fleet
from trueup_contracts.router_service.steps import Error
from trueup_contracts.subject import Subject

REQUESTS = 30
MOST_NEW_SERIES = 0.5  # for each request with an id of its own


@requirement("RS-048")
def test_readiness_tells_of_each_pool(trueup_subject: Subject) -> None:
    grid = grids.by_target(trueup_subject)
    with fleet(trueup_subject, grid) as served:
        answer = served.router.get(protocol.READY)
        assert answer.status == 200, answer.told
        formats.check("readyz", answer.json, f"what {protocol.READY} answers")
        pools = answer.json["pools"]
        due = [namespace for namespace, _ in grid]
        assert sorted(pools) == sorted(due), f"{protocol.READY} tells of {sorted(pools)}; {due} are due"
        idle = [name for name, pool in pools.items() if not pool["ready"]]
        assert not idle, f"{protocol.READY} answers 200, and {idle} are not ready"


@requirement("RS-049")
def test_a_pool_without_workers_is_not_ready(trueup_subject: Subject) -> None:
    """It has no worker from the start on; the router is alive all the same, and says why it is not ready."""
    grid = grids.plain(trueup_subject)
    empty = grid.last[0]
    with fleet(trueup_subject, grid, workers={empty: 0}, fresh=True, ready_path=protocol.HEALTH) as served:
        answer = served.router.get(protocol.READY)
        assert answer.status == 503, f"{empty} has no worker: {answer.told}; 503 is due"
        formats.check("readyz", answer.json, f"what {protocol.READY} answers")
        told = answer.json["pools"].get(empty)
        assert told, f"{protocol.READY} does not tell of {empty}: {answer.json}"
        assert not told["ready"], f"{empty} has no worker, and is told to be ready: {told}"
        assert told["reason"], f"{empty} is not ready, and no reason is told: {told}"
        answer = served.router.get(protocol.HEALTH)
        assert answer.status == 200, f"GET {protocol.HEALTH}: {answer.told}; it is alive"


def _page(served: Fleet) -> Page:
    __tracebackhide__ = True
    answer = served.router.look(protocol.METRICS)
    assert answer.status == 200, answer.told
    return Page(bytes(answer.body), media_type(answer.headers.get("content-type", "")).name)


@requirement("RS-017")
def test_metrics_can_be_read_and_grow(trueup_subject: Subject) -> None:
    with fleet(trueup_subject, grids.plain(trueup_subject)) as served:
        served.generate().finished()
        before = _page(served)
        lawful(f"{protocol.METRICS}", before)
        for _ in range(REQUESTS):
            served.generate().finished()
        served.last[0].script(Error(), times=1)
        served.generate().failed()

        def grown() -> bool:
            after = normal.growing(_page(served))
            return any(value >= normal.growing(before).get(one, 0) + REQUESTS for one, value in after.items())

        served.budgets.until(grown, f"a counter of {protocol.METRICS} that has grown by the {REQUESTS} requests")
        after = _page(served)
        lawful(f"{protocol.METRICS} after requests", after)
        fallen = normal.fallen(normal.growing(before), normal.growing(after))
        assert not fallen, f"after requests {some(fallen)}"
        new = sorted(normal.series(after).keys() - normal.series(before).keys())
        most = MOST_NEW_SERIES * REQUESTS
        assert len(new) < most, f"{REQUESTS} requests with ids of their own made {len(new)} new series: {some(new)}"
