"""What the tests of a suite are given. The names cannot clash with anybody's own fixtures."""

from __future__ import annotations

import pytest

from trueup_contracts.collecting import SuiteModule
from trueup_contracts.profile import Profile
from trueup_contracts.subject import Subject


@pytest.fixture(scope="module")
def trueup_subject(request: pytest.FixtureRequest) -> Subject:
    """The implementation under test."""
    module = request.node
    assert isinstance(module, SuiteModule)
    return module.subject


@pytest.fixture(scope="session")
def trueup_profile(request: pytest.FixtureRequest) -> Profile:
    """How thorough this run is."""
    option = request.config.option
    return Profile(option.contracts_profile, option.contracts_seed)
