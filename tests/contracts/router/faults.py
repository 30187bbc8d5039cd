"""Routers with one realistic fault each, and the requirement that must find it."""

from __future__ import annotations

from contracts.router import faults_of_grids, faults_of_requests
from contracts.router.seeding import FAULTS, Fault

MODULES = (faults_of_grids, faults_of_requests)

__all__ = ["FAULTS", "MODULES", "Fault"]
