"""Serves one selector of the tests, chosen by its name: `PROGRAM NAME`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from contracts.worker_selection.faults import FAULTS
from contracts.worker_selection.hooked import Hooked
from contracts.worker_selection.others import OTHERS, Original
from trueup_contracts import serve
from trueup_reference import adapters

SELECTORS: dict[str, Callable[..., Any]] = {f"{fault.requirement}: {fault.name}": fault.factory for fault in FAULTS}
SELECTORS |= {one.__name__: one for one in (Hooked, *OTHERS, Original)}
SELECTORS["reference"] = adapters.worker_selection

if __name__ == "__main__":
    sys.setswitchinterval(1e-5)  # threads take turns often, so that a race shows
    serve(SELECTORS[sys.argv[1]], name=sys.argv[1])
