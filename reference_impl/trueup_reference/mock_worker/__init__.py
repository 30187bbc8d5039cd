"""A worker without a GPU: the protocol, latencies, faults, and a block cache whose KV events are real."""

from trueup_reference.mock_worker.block_cache import BlockCache
from trueup_reference.mock_worker.faults import Fault, FaultPlan
from trueup_reference.mock_worker.protocol import Asked, WorkerError
from trueup_reference.mock_worker.server import MockWorker
from trueup_reference.mock_worker.settings import Settings
from trueup_reference.mock_worker.worker import Worker

__all__ = ["Asked", "BlockCache", "Fault", "FaultPlan", "MockWorker", "Settings", "Worker", "WorkerError"]
