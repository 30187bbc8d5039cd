"""Renames metrics where they are used: in queries, rules, docs and code, and nowhere else."""

from trueup.metrics.migrate.plan import Plan, Rename
from trueup.metrics.migrate.recording import recording_rules
from trueup.metrics.migrate.rewriting import Migration, migration

__all__ = ["Migration", "Plan", "Rename", "migration", "recording_rules"]
