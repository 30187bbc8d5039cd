"""What changed between two policies, and what of it breaks those who use the names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from trueup.metrics.policy.lookup import PolicySet
from trueup.metrics.policy.model import Family, Policy


class Change(NamedTuple):
    """`kind`: `added`, `removed`, `type`, `labels`, `unit`, `deprecated`. `breaking`: some query no longer works."""

    kind: str
    name: str
    message: str
    breaking: bool


def compare(old: Policy, new: Policy) -> list[Change]:
    """Every change, by name."""
    after = PolicySet([new])
    changes: list[Change] = []
    for name, family in old.families.items():
        if name not in new.families:
            changes.append(_removed(name, family, old, after))
        else:
            changes += _changed(name, family, new.families[name])
    changes += [
        Change("added", name, _kind(family), False) for name, family in new.families.items() if name not in old.families
    ]
    return sorted(changes, key=lambda change: (change.name, change.kind))


def _removed(name: str, family: Family, old: Policy, after: PolicySet) -> Change:
    heirs = [one for one in family.renamed_to if after.family(one) is not None]
    swapped = [one for one in (name.replace(":", "_"), name.replace("_", ":", 1)) if one in after.families]
    near = [one for one in after.nearest(name) if one in after.families and one not in old.families]
    likely = next(iter([*heirs, *(one for one in swapped if one != name), *near]), None)
    return Change("removed", name, f"{_kind(family)}, now {likely}?" if likely else _kind(family), True)


def _changed(name: str, old: Family, new: Family) -> Iterator[Change]:
    if old.type != new.type and old.type is not None and new.type is not None:
        yield Change("type", name, f"{old.type} -> {new.type}", True)
    if old.unit != new.unit:
        yield Change("unit", name, f"{old.unit or 'none'} -> {new.unit or 'none'}", True)
    gone = [label for label in old.labels if label not in new.labels]
    here = [label for label in new.labels if label not in old.labels]
    if gone:
        known = set(new.allowed_labels or [])
        weak = [label for label in gone if label in known]
        lost = [label for label in gone if label not in known]
        if lost:
            yield Change("labels", name, f"without {', '.join(lost)}", True)
        if weak:
            yield Change("labels", name, f"not on every series any more: {', '.join(weak)}", True)
    if here:
        yield Change("labels", name, f"with {', '.join(here)}", False)
    for word, before, after in (
        ("deprecated", old.deprecated_since, new.deprecated_since),
        ("removed", old.removed_in, new.removed_in),
    ):
        if after is not None and before != after:
            yield Change("deprecated", name, f"{word} since {after}", False)


def _kind(family: Family) -> str:
    return family.type or "a family"
