"""The suite `logging-setup`: every test of its requirements, for pytest to find in one module."""

from trueup_contracts.logging_setup.importing import *  # noqa: F403
from trueup_contracts.logging_setup.setting_up import *  # noqa: F403
from trueup_contracts.logging_setup.writing import *  # noqa: F403
