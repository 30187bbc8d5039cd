"""The rules about metric names: each part of the check brings its own."""

from __future__ import annotations

from trueup.metrics.consumers.rules import RULES as CONSUMERS
from trueup.metrics.docs_drift.rules import RULES as DOCS
from trueup.metrics.exposition.rules import RULES as EXPOSITION

# A part that consumes names adds its rules here.
RULES = (*EXPOSITION, *CONSUMERS, *DOCS)
