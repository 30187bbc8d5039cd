"""Serves one index of the tests, chosen by its name: `PROGRAM NAME`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from contracts.kv_index.faults import FAULTS
from contracts.kv_index.modes import Hooked
from contracts.kv_index.others import OTHERS
from trueup_contracts import serve
from trueup_reference import adapters

INDEXES: dict[str, Callable[..., Any]] = {f"{fault.requirement}: {fault.name}": fault.factory for fault in FAULTS}
INDEXES["Hooked"] = Hooked
INDEXES |= {one.__name__: one for one in OTHERS}
INDEXES["reference"] = adapters.kv_index

if __name__ == "__main__":
    serve(INDEXES[sys.argv[1]], name=sys.argv[1])
