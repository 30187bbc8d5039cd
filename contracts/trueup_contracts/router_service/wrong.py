"""Files that no router must start with."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from trueup_contracts.router_service import protocol
from trueup_contracts.router_service.grids import Grid


def grids_and_words(grid: Grid) -> list[tuple[str, dict[str, Any], tuple[str, ...]]]:
    """What is wrong, the grid, and words of which what the router writes holds one at least."""
    phase = grid.phases[0]
    namespaces, strategy = f"{phase}_pool_dynamo_namespaces", f"{phase}_pool_selection_strategy"
    count, mapping = f"num_{phase}_pools", f"{phase}_pool_mapping"
    config = dict(grid.config)
    place = dict(config[strategy])
    without = {name: value for name, value in config.items() if name != namespaces}
    return [
        ("a grid without namespaces", without, (namespaces,)),
        ("a grid with a namespace too many", {**config, namespaces: [*config[namespaces], "x"]}, (namespaces, count)),
        ("a grid whose cell names no pool", {**config, strategy: {**place, mapping: [[7]]}}, (mapping,)),
        (
            "a grid whose bounds are swapped",
            {**config, strategy: {**place, "ttft_min_ms": 9, "ttft_max_ms": 3}},
            ("ttft_min_ms", "ttft_max_ms"),
        ),
    ]


def services() -> Mapping[str, Any]:
    """What is wrong to the service file."""
    right = protocol.SERVICE
    return {
        "that is cut off": json.dumps(right).encode()[:-20],
        "that is a list": [right],
        "that is empty": b"",
        "of another version": {**right, "version": 2},
        "with a misspelt field": {**right, "drain_mss": 100},
        "with a misspelt timeout": {**right, "timeouts_ms": {**right["timeouts_ms"], "first_itme": 100}},
        "with a negative timeout": {**right, "timeouts_ms": {**right["timeouts_ms"], "connect": -1}},
        "with a text for a timeout": {**right, "timeouts_ms": {**right["timeouts_ms"], "connect": "1 s"}},
        "with a negative bound": {**right, "admission": {**right["admission"], "max_in_flight": -1}},
        "with half an attempt": {**right, "retry": {"same_pool_attempts": 1.5}},
    }


def discoveries(workers: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """What is wrong to the discovery file; `workers` are right."""
    first, *rest = workers
    right = {"version": 1, "workers": list(workers)}

    def changed(**fields: Any) -> dict[str, Any]:
        return {**right, "workers": [{**first, **fields}, *rest]}

    return {
        "that is cut off": json.dumps(right).encode()[:-20],
        "that is a list": list(workers),
        "that is empty": b"",
        "of another version": {**right, "version": 2},
        "without workers": {"version": 1},
        "of an unknown phase": changed(phase="prefil"),
        "with a number for a URL": changed(url=9001),
        "with a worker without a URL": {
            **right,
            "workers": [{name: value for name, value in first.items() if name != "url"}, *rest],
        },
        "whose URL has no host": changed(url="http://"),
        "with two workers of one id": {**right, "workers": [first, *workers]},
    }
