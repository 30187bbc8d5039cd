"""The formats of router and workers as JSON Schemas; they ship with the kit, for whoever writes either."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from trueup_contracts.wire.messages import Schemas

PATH = Path(__file__).with_name("formats.schema.json")


@functools.cache
def _schemas() -> Schemas:
    return Schemas(PATH)


def check(name: str, value: Any, what: str) -> None:
    """A value must fit the definition of this name, such as `client_event.item`."""
    __tracebackhide__ = True
    schemas = _schemas()
    assert name in schemas, f"{what}: formats.schema.json knows no {name}"
    fault = schemas.fault(name, value)
    assert fault is None, f"{what} is no {name} of formats.schema.json: {fault}; it is {str(value)[:300]}"
