"""The suite `event-subscriber`: every test of its requirements, for pytest to find in one module."""

from trueup_contracts.event_transport.subscriber.decoding import *  # noqa: F403
