"""Packages with one realistic fault each, and the requirement that must find it."""

from __future__ import annotations

from contracts.logging_setup import faults_of_imports, faults_of_outputs, faults_of_set_ups
from contracts.logging_setup.seeding import FAULTS, Fault

MODULES = (faults_of_imports, faults_of_set_ups, faults_of_outputs)

__all__ = ["FAULTS", "MODULES", "Fault"]
