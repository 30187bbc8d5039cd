"""What makes no sense is refused, and leaves nothing: WS-050 to WS-052."""

from __future__ import annotations

import math
from typing import Any

from trueup_contracts import requirement
from trueup_contracts.errors import Refusal
from trueup_contracts.kv_index.selection.calls import IDLE, Ask, Pair, Selector
from trueup_contracts.subject import Subject

A, B = (1, 0), (2, 0)
BOTH: list[Pair] = [A, B]
_NO_NUMBERS: tuple[Any, ...] = (-1, -0.5, math.nan, math.inf, -math.inf, True, "1", None)
SETTINGS: dict[str, tuple[Any, ...]] = {
    "block_size": (0, -16, 1.5, math.nan, True, "16", None),
    "overlap_weight": _NO_NUMBERS,
    "temperature": _NO_NUMBERS,
    "seed": (1.5, "1", math.nan, True),
}
GOOD = {"id": "r", "isl": 32, "seq_hashes": [1, 2], "pinned": None}
REQUESTS: dict[str, tuple[Any, ...]] = {
    "id": (7, None, True, ["r"]),
    "isl": (-1, 1.5, math.nan, math.inf, True, "32", None),
    "seq_hashes": ([-1], [2**64], [1, "2"], [1, None], [1, 2.5], [True], [math.nan], 7, None),
    "pinned": ([1], [1, 0, 0], [-1, 0], ["1", 0], [1, -1], [1, True], 1),
}
OVERLAPS: tuple[Any, ...] = (
    *({"worker_id": 1, "dp_rank": 0, "depth": depth} for depth in (-1, math.nan, math.inf, True, "2", None)),
    {"worker_id": -1, "dp_rank": 0, "depth": 1},
    {"worker_id": 2**64, "dp_rank": 0, "depth": 1},
    {"worker_id": 1, "dp_rank": "0", "depth": 1},
    {"worker_id": 1, "depth": 1},
    7,
)
CANDIDATES: tuple[Any, ...] = (
    *([-1, 0], [2**64, 0], [1, -1], [1, 2**32], [1], [1, 0, 0], ["1", 0], [1.5, 0], [True, 0]),
    1,
)


def bad_requests() -> list[tuple[str, Any, Any, Any]]:
    """What is wrong, and the arguments of `select`."""
    candidates = [list(worker) for worker in BOTH]
    found: list[tuple[str, Any, Any, Any]] = []
    for name, values in REQUESTS.items():
        found += [(f"{name} {value!r}", {**GOOD, name: value}, [], candidates) for value in values]
    found += [(f"the overlap {one!r}", GOOD, [one], candidates) for one in OVERLAPS]
    found += [(f"the candidate {one!r}", GOOD, [], [*candidates, one]) for one in CANDIDATES]
    missing = [{key: value for key, value in GOOD.items() if key != name} for name in ("id", "isl", "seq_hashes")]
    found += [(f"the request {request!r}", request, [], candidates) for request in (*missing, 7, None)]
    return found


@requirement("WS-050")
def test_senseless_settings_are_refused(trueup_subject: Subject) -> None:
    good = {"block_size": 16, "overlap_weight": 1.0, "temperature": 0.0, "seed": 0}
    for name, values in SETTINGS.items():
        for value in values:
            try:
                trueup_subject.open(**{**good, name: value})
            except Refusal as refusal:
                assert refusal.code == "invalid", f"{name} {value!r} was refused as {refusal.code!r}, not as 'invalid'"
            else:
                raise AssertionError(f"a selector was made with {name} {value!r}; it must be refused")


@requirement("WS-051")
def test_senseless_requests_are_refused(trueup_subject: Subject) -> None:
    for what, *arguments in bad_requests():
        selector = Selector(trueup_subject)
        try:
            found = selector.select_raw(*arguments)
        except Refusal as refusal:
            assert refusal.code == "invalid", f"{what} was refused as {refusal.code!r}, not as 'invalid'"
        else:
            raise AssertionError(f"select with {what} answered {list(found)}; it must be refused")


@requirement("WS-052")
def test_a_refused_request_books_nothing(trueup_subject: Subject) -> None:
    selector = Selector(trueup_subject)
    selector.select(Ask("under way", 64, (1, 9), pinned=A), BOTH)
    for what, *arguments in bad_requests():
        try:
            selector.select_raw(*arguments)
        except Refusal:
            selector.must_hold({A: (64, 2), B: IDLE}, f"after a request was refused for {what}")
            # Its id is free: another one may come under it, and goes without a trace.
            selector.select(Ask("r", 16, (1, 2), pinned=B), BOTH)
            selector.must_hold({A: (64, 2), B: (16, 2)}, f"after one was refused for {what}, and mended")
        selector.free("r")
