"""What answers calls with something else than the protocol's is told so."""

from __future__ import annotations

from typing import Any

import pytest

from contracts.event_transport.publisher.hooked import Hooked
from contracts.event_transport.running import verdicts
from trueup_contracts.event_transport import PUBLISHER


class CountsFour(Hooked):
    """One count is not there."""

    def stats(self) -> Any:
        return {name: value for name, value in super().stats().items() if name != "dropped"}


class CountsNothing(Hooked):
    """No counts at all."""

    def stats(self) -> Any:
        return None


@pytest.mark.parametrize(
    ("factory", "due"),
    [
        (CountsFour, "dropped must be there, as integers"),
        (CountsNothing, "stats() answered None; a mapping is due"),
    ],
)
def test_counts_that_are_none(factory: type[Hooked], due: str) -> None:
    assert due in verdicts(PUBLISHER, factory, only="EP-036")["EP-036"]
