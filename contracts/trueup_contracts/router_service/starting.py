"""What a router needs to start, and what keeps it from starting: RS-001 to RS-008."""

from __future__ import annotations

from trueup_contracts import requirement
from trueup_contracts.router_service import grids, protocol
from trueup_contracts.router_service.fleet import fleet
from trueup_contracts.subject import Subject


@requirement("RS-001")
def test_it_becomes_alive_and_ready(trueup_subject: Subject) -> None:
    with fleet(trueup_subject, grids.plain(trueup_subject)) as served:
        for path in (protocol.HEALTH, protocol.READY):
            answer = served.router.get(path)
            assert answer.status == 200, f"GET {path}: {answer.told}"
