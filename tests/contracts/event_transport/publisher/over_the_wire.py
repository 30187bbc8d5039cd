"""Serves one publisher of the tests, chosen by its name: `PROGRAM NAME`."""

from __future__ import annotations

import sys

from contracts.event_transport.publisher.faults import FAULTS
from contracts.event_transport.publisher.hooked import Hooked
from trueup_contracts import serve

PUBLISHERS = {f"{fault.requirement}: {fault.name}": fault.factory for fault in FAULTS} | {"Hooked": Hooked}

if __name__ == "__main__":
    serve(PUBLISHERS[sys.argv[1]], name=sys.argv[1])
