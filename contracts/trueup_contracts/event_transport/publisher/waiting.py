"""Publishers whose calls are coroutines: EP-072."""

from __future__ import annotations

import asyncio
from typing import Any

from trueup_contracts import requirement
from trueup_contracts.event_transport.looping import InLoop
from trueup_contracts.event_transport.publisher.batches import batch
from trueup_contracts.event_transport.publisher.calls import Publisher
from trueup_contracts.subject import Subject

QUEUE, WAIT_S, TURN_S, TURNS = 4, 0.4, 0.01, 3


@requirement("EP-072")
def test_other_coroutines_run_meanwhile(trueup_subject: Subject) -> None:
    settings: dict[str, Any] = {
        "queue_batches": QUEUE,
        "full_policy": "block",
        "block_timeout_ms": round(1000 * WAIT_S),
    }
    with Publisher(trueup_subject, **settings) as publisher:
        made: Any = getattr(publisher.handle, "object", None)
        assert isinstance(made, InLoop), "asyncio is claimed, and publish is no coroutine function"
        publisher.ask("hold")

        async def turns() -> int:
            async def fill() -> None:
                while await made.object.publish(batch=batch(0)) is not None:
                    pass

            filling = asyncio.ensure_future(fill())
            found = 0
            while not filling.done():
                await asyncio.sleep(TURN_S)
                found += not filling.done()
            filling.result()
            return found

        found = publisher.within(WAIT_S + publisher.margin_s, lambda: made.run(turns()), "publish, with a full queue,")
        assert found >= TURNS, f"while publish waited for room for {WAIT_S} s, another coroutine had {found} turns"
