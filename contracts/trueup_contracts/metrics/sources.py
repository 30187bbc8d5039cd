"""Sources to be filtered and renamed, and the small obvious model of what must come of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trueup_contracts.metrics.normal import Series, Shape

Values = Sequence[tuple[str, Mapping[str, str], float]]  # suffix, labels, value


@dataclass(frozen=True)
class Made:
    """A family of a source. `name` is without a counter's `_total`."""

    name: str
    type: str
    help: str
    values: Values

    @property
    def written(self) -> str:
        """The name as the text format has it: what prefixes are compared with."""
        return f"{self.name}_total" if self.type == "counter" else self.name

    def text(self) -> str:
        """The family's lines."""
        help_text = self.help.replace("\\", r"\\").replace("\n", r"\n")
        lines = [f"# HELP {self.written} {help_text}", f"# TYPE {self.written} {self.type}"]
        lines += [f"{self.name}{suffix}{_labels(labels)} {value}" for suffix, labels, value in self.values]
        return "".join(f"{line}\n" for line in lines)

    def shape(self, name: str) -> Shape:
        """What must be exposed of it under a name."""
        return Shape(
            self.type,
            self.help,
            {Series(name + suffix, tuple(sorted(labels.items()))): value for suffix, labels, value in self.values},
        )


def text(families: Sequence[Made]) -> str:
    """The page."""
    return "".join(family.text() for family in families)


def expected(families: Sequence[Made], config: Mapping[str, Any]) -> dict[str, Shape]:
    """What is exposed: the rules of MX-060 to MX-065, one after the other."""
    keep, drop = config.get("keep_prefixes", []), config.get("drop_prefixes", [])
    add = config.get("add_prefix", "")
    found: dict[str, Shape] = {}
    for family in families:
        if keep and not any(family.written.startswith(one) for one in keep):
            continue
        if any(family.written.startswith(one) for one in drop):
            continue
        name = family.name
        if add:
            name = next((name.removeprefix(one) for one in keep if name.startswith(one)), name)
            name = name if name.startswith(add) else add + name
        found[name] = family.shape(name)
    return found


def counter(name: str, value: float = 3.0, **labels: str) -> Made:
    """A counter of one series."""
    return Made(name, "counter", f"How many {len(name)}.", [("_total", labels, value)])


def gauge(name: str, value: float = 3.0, **labels: str) -> Made:
    """A gauge of one series."""
    return Made(name, "gauge", f"How much {len(name)}.", [("", labels, value)])


def histogram(name: str, **labels: str) -> Made:
    """A histogram of one label set."""
    buckets = [("_bucket", {**labels, "le": le}, value) for le, value in (("0.5", 1.0), ("2.5", 4.0), ("inf", 5.0))]
    return Made(name, "histogram", f"How long {len(name)}.", [*buckets, ("_sum", labels, 7.5), ("_count", labels, 5.0)])


def engine(prefix: str = "sglang:") -> list[Made]:
    """A family of each kind."""
    return [
        counter(f"{prefix}requests", model="m"),
        gauge(f"{prefix}num_running_reqs", model="m"),
        histogram(f"{prefix}time_to_first_token_seconds", model="m"),
    ]


PROCESS = [counter("python_gc_objects_collected"), gauge("process_open_fds")]


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    told = ",".join(f'{name}="{_escaped("+Inf" if value == "inf" else value)}"' for name, value in labels.items())
    return f"{{{told}}}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
