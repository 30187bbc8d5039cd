"""Routers with one realistic fault each, by what they are wrong about."""

from contracts.router_service import (
    faults_of_admission,
    faults_of_answers,
    faults_of_choosing,
    faults_of_clients,
    faults_of_draining,
    faults_of_ejection,
    faults_of_plans,
    faults_of_pools,
    faults_of_retries,
    faults_of_starting,
    faults_of_streams,
    faults_of_timeouts,
)
from contracts.router_service.seeding import FAULTS, Fault

MODULES = (
    faults_of_starting,
    faults_of_choosing,
    faults_of_answers,
    faults_of_retries,
    faults_of_streams,
    faults_of_plans,
    faults_of_timeouts,
    faults_of_ejection,
    faults_of_admission,
    faults_of_clients,
    faults_of_draining,
    faults_of_pools,
)

__all__ = ["FAULTS", "MODULES", "Fault"]
