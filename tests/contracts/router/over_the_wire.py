"""Serves one router of the tests, chosen by its name: `PROGRAM NAME`."""

from __future__ import annotations

import sys

from contracts.router.faults import FAULTS
from contracts.router.hooked import Hooked
from contracts.router.others import OTHERS, Original
from trueup_contracts import serve

ROUTERS = {f"{fault.requirement}: {fault.name}": fault.factory for fault in FAULTS}
ROUTERS |= {one.__name__: one for one in (Hooked, *OTHERS, Original)}

if __name__ == "__main__":
    sys.setswitchinterval(1e-5)  # threads take turns often, so that a race shows
    serve(ROUTERS[sys.argv[1]], name=sys.argv[1])
