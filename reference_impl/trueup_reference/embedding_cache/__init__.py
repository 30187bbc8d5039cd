"""The reference of the embedding cache: tensors by key, bounded in bytes, safe for threads and CUDA streams."""

from trueup_reference.embedding_cache.cache import EmbeddingCache
from trueup_reference.embedding_cache.errors import ForkedError, PinError, UnsupportedTensorError
from trueup_reference.embedding_cache.keys import content_key
from trueup_reference.embedding_cache.metrics import CacheCollector

__all__ = ["CacheCollector", "EmbeddingCache", "ForkedError", "PinError", "UnsupportedTensorError", "content_key"]
