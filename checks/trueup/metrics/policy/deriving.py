"""A policy made of an exposition, and policies as YAML."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any

import msgspec

from trueup.metrics.exposition.family import Family as Read
from trueup.metrics.policy.model import Family, Policy, PrefixRule

_TYPES = {"untyped": "unknown"}
# What every Python process under prometheus-client exposes by itself.
PYTHON_SIGNS = ("python_info", "python_gc_objects_collected_total")


def derive(name: str, families: Iterable[Read], *, required: bool = False, python_client: bool | None = None) -> Policy:
    """The policy that this exposition keeps: types, units, labels, prefixes. `required`: every family must be there."""
    read = [family for family in families if family.samples or family.has_metadata]
    names = {family.policy_name for family in read}
    made = {family.policy_name: _family(family, required=required) for family in read if not _is_created(family, names)}
    client = any(sign in names for sign in PYTHON_SIGNS) if python_client is None else python_client
    return Policy(name=name, prefixes=_prefixes(made, python_client=client), families=dict(sorted(made.items())))


def _family(read: Read, *, required: bool) -> Family:
    shapes = [set(shape) for shape in read.shapes]
    always = set.intersection(*shapes) if shapes else set()
    ever = set().union(*shapes)
    kind = _TYPES.get(read.kind or "untyped", read.kind)
    return Family(
        type=kind if read.kind is not None else None,  # type: ignore[arg-type]  # the types that the formats have
        unit=read.unit or None,
        labels=sorted(always),
        allowed_labels=sorted(ever - always) if shapes else None,
        presence="required" if required and read.samples else "optional",
    )


def _is_created(family: Read, names: set[str]) -> bool:
    """The text format has `x_created` as a gauge of its own."""
    base = family.name.removesuffix("_created")
    return base != family.name and (base in names or f"{base}_total" in names)


def _prefixes(families: Iterable[str], *, python_client: bool) -> list[PrefixRule]:
    found = dict.fromkeys(name[: name.index(":") + 1] for name in families if name.find(":") > 0)
    return [
        PrefixRule(prefix=prefix, instead_of=[prefix.replace(":", "_")], closed=True, python_client=python_client)
        for prefix in found
    ]


def as_yaml(policy: Policy) -> str:
    """The text of a policy file that says the same."""
    import yaml

    class Dumper(yaml.SafeDumper):
        """Writes no aliases, which a policy file may not have."""

        def ignore_aliases(self, data: Any) -> bool:
            return True

    stream = io.StringIO()
    value = msgspec.to_builtins(policy)
    yaml.dump(value, stream, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=110, default_flow_style=None)
    return stream.getvalue()
