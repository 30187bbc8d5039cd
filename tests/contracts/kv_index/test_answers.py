"""Matches in a form that the contract does not have: told as what they are, and by no error of the kit's own."""

from __future__ import annotations

from typing import Any

import pytest

from trueup_contracts.errors import WrongAnswerError
from trueup_contracts.kv_index.calls import depths

FORMS: list[Any] = [
    {(7, 0): 3, (8, 1): 2},
    [{"worker_id": 7, "dp_rank": 0, "depth": 3}, {"worker_id": 8, "dp_rank": 1, "depth": 2}],
]
WRONG: list[tuple[Any, str]] = [
    (None, "a mapping or a list; this is a NoneType"),
    ([(7, 0, 3)], r"'worker_id', 'dp_rank', 'depth'\}; this is \(7, 0, 3\)"),
    ([{"worker": 7, "depth": 3}], r"this is \{'worker': 7, 'depth': 3\}"),
    ({7: 3}, r"of \(worker id, rank\); this is one of 7"),
    ({(7,): 3}, r"of \(worker id, rank\); this is one of \(7,\)"),
    ([FORMS[1][0], FORMS[1][0]], "is among the matches twice"),
]


@pytest.mark.parametrize("form", FORMS)
def test_both_forms_are_read(form: Any) -> None:
    assert depths(form) == {(7, 0): 3, (8, 1): 2}


@pytest.mark.parametrize(("told", "why"), WRONG)
def test_what_is_no_answer_is_said(told: Any, why: str) -> None:
    with pytest.raises(WrongAnswerError, match=why):
        depths(told)
