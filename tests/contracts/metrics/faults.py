"""Exporters with one realistic fault each, by what they are wrong about."""

from contracts.metrics import (
    faults_of_filters,
    faults_of_negotiation,
    faults_of_pages,
    faults_of_policies,
    faults_of_scrapes,
)
from contracts.metrics.seeding import FAULTS, Fault

MODULES = (faults_of_pages, faults_of_negotiation, faults_of_scrapes, faults_of_filters, faults_of_policies)

__all__ = ["FAULTS", "MODULES", "Fault"]
