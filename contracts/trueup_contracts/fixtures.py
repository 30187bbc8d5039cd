"""What the tests of a suite are given: as fixtures, so that pytest knows the names, and by value.

By value, since a fixture of the same name in somebody's conftest.py would come before ours.
"""

from __future__ import annotations

from typing import Any

import pytest

from trueup_contracts.collecting import SuiteModule
from trueup_contracts.profile import Profile
from trueup_contracts.subject import Subject


def values(module: SuiteModule, config: pytest.Config) -> dict[str, Any]:
    """The arguments of the module's tests by name."""
    profile = Profile(config.option.contracts_profile, config.option.contracts_seed)
    return {"trueup_subject": module.subject, "trueup_profile": profile}


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
