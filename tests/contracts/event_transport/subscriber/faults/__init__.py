"""Subscribers with one realistic fault each, by what they are wrong about."""

from contracts.event_transport.subscriber.faults import ending, framing, living, ordering, replaying, settings
from contracts.event_transport.subscriber.seeding import FAULTS, Fault

MODULES = (living, ending, framing, ordering, replaying, settings)

__all__ = ["FAULTS", "MODULES", "Fault"]
