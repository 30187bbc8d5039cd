"""Serves one cache of the tests, chosen by its name: `PROGRAM NAME`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from contracts.embedding_cache.faults import FAULTS
from contracts.embedding_cache.hooked import Hooked
from contracts.embedding_cache.others import OTHERS
from trueup_contracts import serve
from trueup_reference import adapters

CACHES: dict[str, Callable[..., Any]] = {
    f"{fault.requirement}: {fault.name}": fault.factory for fault in FAULTS if not fault.needs_cuda
}
CACHES |= {one.__name__: one for one in (Hooked, *OTHERS)}
CACHES["reference"] = adapters.embedding_cache

if __name__ == "__main__":
    serve(CACHES[sys.argv[1]], name=sys.argv[1])
