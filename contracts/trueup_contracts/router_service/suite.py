"""The suite `router-service`: every test of its requirements, for pytest to find in one module."""

from trueup_contracts.router_service.admitting import *  # noqa: F403
from trueup_contracts.router_service.asking import *  # noqa: F403
from trueup_contracts.router_service.bounding import *  # noqa: F403
from trueup_contracts.router_service.chaining import *  # noqa: F403
from trueup_contracts.router_service.choosing import *  # noqa: F403
from trueup_contracts.router_service.clocks import *  # noqa: F403
from trueup_contracts.router_service.completing import *  # noqa: F403
from trueup_contracts.router_service.deadlines import *  # noqa: F403
from trueup_contracts.router_service.discovering import *  # noqa: F403
from trueup_contracts.router_service.draining import *  # noqa: F403
from trueup_contracts.router_service.ejecting import *  # noqa: F403
from trueup_contracts.router_service.failing import *  # noqa: F403
from trueup_contracts.router_service.isolating import *  # noqa: F403
from trueup_contracts.router_service.leaving import *  # noqa: F403
from trueup_contracts.router_service.prioritising import *  # noqa: F403
from trueup_contracts.router_service.refusing import *  # noqa: F403
from trueup_contracts.router_service.reloading import *  # noqa: F403
from trueup_contracts.router_service.replicas import *  # noqa: F403
from trueup_contracts.router_service.retrying import *  # noqa: F403
from trueup_contracts.router_service.standing_in import *  # noqa: F403
from trueup_contracts.router_service.starting import *  # noqa: F403
from trueup_contracts.router_service.streaming import *  # noqa: F403
from trueup_contracts.router_service.telling import *  # noqa: F403
