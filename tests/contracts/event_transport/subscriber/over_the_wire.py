"""Serves one subscriber of the tests, chosen by its name: `PROGRAM NAME`."""

from __future__ import annotations

import sys
from typing import Any

from contracts.event_transport.subscriber.faults import FAULTS
from contracts.event_transport.subscriber.hooked import Hooked
from contracts.event_transport.subscriber.others import Pump
from trueup_contracts import serve

SUBSCRIBERS = {
    f"{fault.requirement}: {fault.name}": fault.factory
    for fault in FAULTS
    if "asyncio" not in getattr(fault.factory, "capabilities", ())
}
SUBSCRIBERS |= {"Hooked": Hooked, "Pump": Pump}

if __name__ == "__main__":
    made: Any = SUBSCRIBERS[sys.argv[1]]
    made.capabilities |= {"concurrent_calls"}
    serve(made, name=sys.argv[1])
