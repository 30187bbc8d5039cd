"""Which families are passed on, and under what name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from prometheus_client.core import Metric

from trueup_reference.metrics_bridge.renaming import renamed

KEYS = ("keep_prefixes", "drop_prefixes", "add_prefix")
_LEGAL_START = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")


class NameClashError(ValueError):
    """Two families of the source would be exposed under one name."""


@dataclass(frozen=True)
class Prefixes:
    """`keep`: names must begin with one of these (with none: all do). `drop` wins over it.

    `add` takes the place of the kept prefix, or stands before a name that does not begin with it already.
    """

    keep: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    add: str = ""

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Prefixes:
        """From a configuration. Raises `ValueError` for a key or a value that is none."""
        unknown = sorted(set(config) - set(KEYS))
        if unknown:
            raise ValueError(f"there is no setting {unknown[0]!r}: {', '.join(KEYS)}")
        add = config.get("add_prefix") or ""
        if not isinstance(add, str) or (add and not _LEGAL_START.fullmatch(add)):
            raise ValueError(f"add_prefix is {add!r}; letters, digits, _ and : are due, no digit first")
        return cls(_texts(config, "keep_prefixes"), _texts(config, "drop_prefixes"), add)

    def applied(self, families: Iterable[Metric]) -> Iterator[Metric]:
        """The families that are passed on, renamed. Raises `NameClashError` rather than expose a name twice."""
        came_from: dict[str, str] = {}
        for family in families:
            exposed = exposed_name(family)
            if exposed.startswith(self.drop) or not (not self.keep or exposed.startswith(self.keep)):
                continue
            name = self.name(family.name)
            if name in came_from:
                raise NameClashError(f"{came_from[name]} and {family.name} would both be exposed as {name}")
            came_from[name] = family.name
            yield family if name == family.name else renamed(family, name)

    def name(self, name: str) -> str:
        """The name under which a family is exposed."""
        if not self.add:
            return name
        bare = next((name.removeprefix(prefix) for prefix in self.keep if name.startswith(prefix)), name)
        return bare if bare.startswith(self.add) else self.add + bare


def exposed_name(family: Metric) -> str:
    """A family's name as the text format writes it: a counter's ends in `_total`."""
    suffix = {"counter": "_total", "info": "_info"}.get(family.type, "")
    return f"{family.name}{suffix}"


def _texts(config: Mapping[str, Any], key: str) -> tuple[str, ...]:
    found = config.get(key) or ()
    # A text is a sequence of texts too: each of its letters would be a prefix.
    if not isinstance(found, list | tuple) or not all(isinstance(one, str) and one for one in found):
        raise ValueError(f"{key} is {found!r}; a list of texts is due")
    return tuple(found)
