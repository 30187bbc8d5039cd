"""The corpus of configurations that ships with the suite: valid ones, and invalid ones with what is wrong."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

FOLDER = Path(__file__).parent / "corpus"


class Case(NamedTuple):
    """One file. `rules` are what `trueup grid-config` finds in it; `level` is `must` where the original refuses it."""

    name: str
    text: bytes
    rules: frozenset[str]
    pointers: tuple[str, ...]
    level: str
    text_only: bool

    @property
    def value(self) -> dict[str, Any]:
        """The configuration as a parser hands it over; a fresh one each time."""
        value: dict[str, Any] = json.loads(self.text)
        return value

    @property
    def needs(self) -> frozenset[str]:
        """The capabilities without which the configuration means nothing to an implementation."""
        text = self.text.decode("utf-8", "replace")
        needs = {"agg" if '"agg_pool' in text or '"agg"' in text else "disagg"}
        if '"agg_pool' in text and '"isl_' in text:
            needs.add("agg_isl")
        for word, capability in (
            ("priority_overrides", "priority_overrides"),
            ("enable_priority_retry", "priority_retry"),
            ("pool_priorities", "priority_retry"),
            ('"ttft_min"', "deprecated_names"),
            ('"itl_max"', "deprecated_names"),
        ):
            if word in text:
                needs.add(capability)
        return frozenset(needs)


@functools.cache
def cases() -> tuple[Case, ...]:
    """Every file of the corpus."""
    return tuple(_read())


def _read() -> Iterator[Case]:
    expected = json.loads((FOLDER / "expected.json").read_text(encoding="utf-8"))
    for name, told in expected.items():
        findings = told["findings"] if "findings" in told else told["warnings"]
        yield Case(
            name,
            (FOLDER / name).read_bytes(),
            frozenset(one["rule"].partition("/")[2] for one in findings),
            tuple(one["pointer"] for one in findings),
            told.get("level", "must"),
            told.get("text_only", False),
        )
