"""The suite `router-service`: every test of its requirements, for pytest to find in one module."""

from trueup_contracts.router_service.failing import *  # noqa: F403
from trueup_contracts.router_service.retrying import *  # noqa: F403
from trueup_contracts.router_service.starting import *  # noqa: F403
from trueup_contracts.router_service.streaming import *  # noqa: F403
