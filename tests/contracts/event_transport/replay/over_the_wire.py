"""Serves one client of replays of the tests, chosen by its name: `PROGRAM NAME`."""

from __future__ import annotations

import sys

from contracts.event_transport.replay.faults import FAULTS
from contracts.event_transport.replay.hooked import Hooked
from trueup_contracts import serve

CLIENTS = {f"{fault.requirement}: {fault.name}": fault.factory for fault in FAULTS} | {"Hooked": Hooked}

if __name__ == "__main__":
    serve(CLIENTS[sys.argv[1]], name=sys.argv[1])
