"""A worker without a GPU: the protocol, latencies, faults, and a block cache whose KV events are real."""

from typing import TYPE_CHECKING, Any

from trueup_reference.mock_worker.block_cache import BlockCache
from trueup_reference.mock_worker.faults import Fault, FaultPlan
from trueup_reference.mock_worker.settings import Settings
from trueup_reference.worker_protocol import Asked, WorkerError

if TYPE_CHECKING:
    from trueup_reference.mock_worker.server import MockWorker, Place
    from trueup_reference.mock_worker.worker import Worker

__all__ = ["Asked", "BlockCache", "Fault", "FaultPlan", "MockWorker", "Place", "Settings", "Worker", "WorkerError"]


def __getattr__(name: str) -> Any:
    """What needs the extra `reference` is loaded when it is asked for: the command can then say that it is missing."""
    if name in ("MockWorker", "Place"):
        from trueup_reference.mock_worker import server

        return getattr(server, name)
    if name == "Worker":
        from trueup_reference.mock_worker.worker import Worker

        return Worker
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
