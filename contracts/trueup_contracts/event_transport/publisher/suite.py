"""The suite `event-publisher`: every test of its requirements, for pytest to find in one module."""

from trueup_contracts.event_transport.publisher.encoding import *  # noqa: F403
