"""A KV router to look at: the index fed by events, the selection of a worker, and what became of the requests."""

from trueup_reference.kv_demo.routing import KvRouter, Routed, Row
from trueup_reference.kv_demo.sources import SourceError, WorkerSource

__all__ = ["KvRouter", "Routed", "Row", "SourceError", "WorkerSource"]
