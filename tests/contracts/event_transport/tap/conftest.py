"""The fixture of the tap's tests."""

from __future__ import annotations

import pytest

from contracts.event_transport.tap.tapping import Tapped


@pytest.fixture
def tapped(capsys: pytest.CaptureFixture[str]) -> Tapped:
    return Tapped(capsys)
