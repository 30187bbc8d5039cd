"""Codecs with one realistic fault each, and the requirement that must find it."""

from __future__ import annotations

from contracts.event_transport.codec import faults_of_reading, faults_of_refusing, faults_of_writing
from contracts.event_transport.codec.seeding import FAULTS, Fault

__all__ = ["FAULTS", "Fault", "faults_of_reading", "faults_of_refusing", "faults_of_writing"]
