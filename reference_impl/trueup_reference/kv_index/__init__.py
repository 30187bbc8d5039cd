"""The reference of the KV index: which worker holds which blocks, and how many leading ones of a request."""

from trueup_reference.kv_index.approximate import ApproximateIndex
from trueup_reference.kv_index.errors import (
    ClosedError,
    InvalidEventError,
    OtherBlockSizeError,
    UnknownParentError,
)
from trueup_reference.kv_index.following import FollowingIndex
from trueup_reference.kv_index.hashing import RECIPE, local_hashes, sequence_hashes
from trueup_reference.kv_index.index import KvIndex
from trueup_reference.kv_index.metrics import IndexCollector
from trueup_reference.kv_index.sharded import ShardedIndex, ShardLostError

__all__ = [
    "RECIPE",
    "ApproximateIndex",
    "ClosedError",
    "FollowingIndex",
    "IndexCollector",
    "InvalidEventError",
    "KvIndex",
    "OtherBlockSizeError",
    "ShardLostError",
    "ShardedIndex",
    "UnknownParentError",
    "local_hashes",
    "sequence_hashes",
]
