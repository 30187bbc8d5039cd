"""The suite `router-service`: every test of its requirements, for pytest to find in one module."""

from trueup_contracts.router_service.asking import *  # noqa: F403
from trueup_contracts.router_service.choosing import *  # noqa: F403
from trueup_contracts.router_service.completing import *  # noqa: F403
from trueup_contracts.router_service.refusing import *  # noqa: F403
from trueup_contracts.router_service.standing_in import *  # noqa: F403
from trueup_contracts.router_service.starting import *  # noqa: F403
from trueup_contracts.router_service.streaming import *  # noqa: F403
from trueup_contracts.router_service.telling import *  # noqa: F403
