"""The suite `router`: every test of its requirements, for pytest to find in one module."""

from trueup_contracts.router.acceptance import *  # noqa: F403
from trueup_contracts.router.behaving import *  # noqa: F403
from trueup_contracts.router.selecting import *  # noqa: F403
