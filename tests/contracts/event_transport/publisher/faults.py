"""Publishers with one fault each."""

from __future__ import annotations

from contracts.event_transport.publisher import faults_of_delivery as delivery
from contracts.event_transport.publisher import faults_of_framing as framing
from contracts.event_transport.publisher import faults_of_queues as queues
from contracts.event_transport.publisher import faults_of_replays as replays
from contracts.event_transport.publisher.seeding import Fault

FAULTS: list[Fault] = [*framing.FAULTS, *delivery.FAULTS, *queues.FAULTS, *replays.FAULTS]
