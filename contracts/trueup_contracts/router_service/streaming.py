"""What reaches a client: RS-020 to RS-024."""

from __future__ import annotations

from trueup_contracts import requirement
from trueup_contracts.router_service import grids
from trueup_contracts.router_service.fleet import fleet
from trueup_contracts.subject import Subject


@requirement("RS-020")
def test_events_come_in_their_order(trueup_subject: Subject) -> None:
    grid = grids.plain(trueup_subject)
    with fleet(trueup_subject, grid) as served:
        stream = served.generate()
        names = [event.name for event in stream.finished()]
        assert names == ["accepted", *["routed"] * len(grid.phases), *["item"] * 3, "finish"], (
            f"events of a request for 3 tokens: {', '.join(names)}"
        )
