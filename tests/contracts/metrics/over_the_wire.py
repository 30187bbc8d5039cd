"""Serves one exporter of the tests, chosen by its name: `PROGRAM NAME`."""

from __future__ import annotations

import sys

from contracts.metrics.faults import FAULTS
from contracts.metrics.hooked import Hooked
from trueup_contracts import serve
from trueup_reference import adapters

EXPORTERS = {f"{fault.requirement}: {fault.name}": fault.factory for fault in FAULTS}
EXPORTERS |= {"Hooked": Hooked, "reference": adapters.metrics}

if __name__ == "__main__":
    serve(EXPORTERS[sys.argv[1]], name=sys.argv[1])
