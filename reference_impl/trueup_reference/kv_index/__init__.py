"""The reference of the KV index: which worker holds which blocks, and how many leading ones of a request."""

from trueup_reference.kv_index.approximate import ApproximateIndex
from trueup_reference.kv_index.errors import ClosedError, InvalidEventError, UnknownParentError
from trueup_reference.kv_index.following import FollowingIndex
from trueup_reference.kv_index.hashing import RECIPE, local_hashes, sequence_hashes
from trueup_reference.kv_index.index import KvIndex

__all__ = [
    "RECIPE",
    "ApproximateIndex",
    "ClosedError",
    "FollowingIndex",
    "InvalidEventError",
    "KvIndex",
    "UnknownParentError",
    "local_hashes",
    "sequence_hashes",
]
