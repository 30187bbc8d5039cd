"""The suite `event-replay`: every test of its requirements, for pytest to find in one module."""

from trueup_contracts.event_transport.replay.asking import *  # noqa: F403
from trueup_contracts.event_transport.replay.failing import *  # noqa: F403
from trueup_contracts.event_transport.replay.waiting import *  # noqa: F403
