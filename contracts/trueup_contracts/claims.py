"""What is claimed for what cannot say it itself, such as a service: in a file (`--contracts-capabilities FILE`).

```toml
router-service = ["agg", "priority_retry"]    # every implementation of the suite that is a service
"router-service@canary" = ["agg"]             # this one, in place of the line above
```
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

from trueup_contracts.declarations import REFERENCE, Declaration
from trueup_contracts.errors import TargetError
from trueup_contracts.registry import suite, way_of

# Ways whose implementations cannot say what they have, or, as a set-up function of somebody else's, do not.
_SPOKEN_FOR = ("http", "command", "setup")


def read(path: Path | None, declared: Sequence[Declaration]) -> dict[str, frozenset[str]]:
    """The claims by `SUITE@LABEL`. `TargetError` for what cannot be read, or is of nothing declared.

    A reference that is a service claims all that its suite knows, where the file does not say otherwise.
    """
    from trueup.rules import nearest_hint

    if path is None:
        return {f"{one.suite}@{one.label}": _of_reference(one) for one in declared}
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise TargetError(f"{path}: the capabilities cannot be read: {error}") from error
    names = {f"{one.suite}@{one.label}": one for one in declared}
    for key, claimed in table.items():
        if key not in names and all(one.suite != key for one in declared):
            known = [*names, *dict.fromkeys(one.suite for one in declared)]
            raise TargetError(f"{path}: nothing is declared as {key!r}", nearest_hint(key, known))
        if key in names and way_of(names[key].target) not in _SPOKEN_FOR:
            raise TargetError(f"{path}: {key} says itself what it claims", f"its target is {names[key].target}")
        if not isinstance(claimed, list) or not all(isinstance(name, str) for name in claimed):
            raise TargetError(f"{path}: {key} is no list of names", f'write {key} = ["NAME", …]')
    return {name: _claimed(path, name, one, table) for name, one in names.items()}


def _claimed(path: Path, name: str, one: Declaration, table: Mapping[str, list[str]]) -> frozenset[str]:
    """What the line of an implementation, or that of its suite, claims for it."""
    way = way_of(one.target)
    if way not in _SPOKEN_FOR:
        return frozenset()
    info = suite(one.suite)
    key = name if name in table else one.suite
    if key not in table:
        return _of_reference(one)
    found = table[key]
    for claim in found:
        if claim not in info.capabilities:
            from trueup.rules import nearest_hint

            hint = nearest_hint(claim, list(info.capabilities))
            raise TargetError(f"{path}: {key} claims {claim!r}, which the suite does not know", hint)
        if way == "http" and claim not in info.service.claimable:
            raise TargetError(f"{path}: {key} claims {claim!r}, which nobody can show at a URL alone")
    return frozenset(found)


def _of_reference(one: Declaration) -> frozenset[str]:
    is_service = way_of(one.target) == "command" and one.target == REFERENCE[one.suite]
    return frozenset(suite(one.suite).capabilities) if is_service else frozenset()
