"""Clients whose calls are coroutines: ER-026."""

from __future__ import annotations

import asyncio
from typing import Any

from trueup_contracts import requirement
from trueup_contracts.event_transport.looping import InLoop
from trueup_contracts.event_transport.replay.calls import Client
from trueup_contracts.event_transport.replay.servers import Server
from trueup_contracts.subject import Subject

WAIT_S, TURN_S, TURNS = 0.4, 0.01, 3


@requirement("ER-026")
def test_other_coroutines_run_meanwhile(trueup_subject: Subject) -> None:
    with Server(lambda _: None) as server, Client(trueup_subject) as client:
        made: Any = getattr(client.handle, "object", None)
        assert isinstance(made, InLoop), "asyncio is claimed, and replay is no coroutine function"

        async def turns() -> int:
            args = {"endpoint": server.endpoint, "start": 5, "timeout_ms": round(1000 * WAIT_S)}
            replaying = asyncio.ensure_future(made.object.replay(**args))
            found = 0
            while not replaying.done():
                await asyncio.sleep(TURN_S)
                found += not replaying.done()
            assert replaying.exception() is not None, "the server does not answer, and replay answered"
            return found

        found = made.run(turns())
        assert found >= TURNS, f"while replay waited for {WAIT_S} s, another coroutine had {found} turns"
