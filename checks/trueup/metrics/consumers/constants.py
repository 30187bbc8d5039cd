"""Names with variables whose values a dashboard fixes."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping

from trueup.metrics.promql import VARIABLE

_VARIABLE = re.compile(VARIABLE)
_NAME = re.compile(r"[A-Za-z_]\w*")
_MOST_NAMES = 200


def spelt_out(written: str, constants: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Every name that `engine:${kind}_total` can be; empty where a variable is not fixed, or there are too many."""
    if not constants:
        return []
    choices: list[tuple[str, ...]] = []
    end = 0
    count = 1
    for found in _VARIABLE.finditer(written):
        name = _NAME.search(found[0])
        values = constants.get(name[0], ()) if name is not None else ()
        count *= len(values)
        if not 0 < count <= _MOST_NAMES or any("$" in one or "[[" in one for one in values):
            return []
        choices += [(written[end : found.start()],), values]
        end = found.end()
    return ["".join(parts) for parts in itertools.product(*choices, (written[end:],))]
