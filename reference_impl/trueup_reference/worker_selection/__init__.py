"""Which worker gets a request: by what it holds of the prompt, and by what it has under way."""

from trueup_reference.worker_selection.metrics import SelectionCollector
from trueup_reference.worker_selection.requests import Load, Overlap, Request, Worker
from trueup_reference.worker_selection.selector import WorkerSelector

__all__ = ["Load", "Overlap", "Request", "SelectionCollector", "Worker", "WorkerSelector"]
