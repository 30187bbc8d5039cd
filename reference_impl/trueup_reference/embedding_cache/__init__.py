"""The reference of the embedding cache: tensors by key, bounded in bytes, safe for threads and CUDA streams."""

from trueup_reference.embedding_cache.cache import EmbeddingCache
from trueup_reference.embedding_cache.errors import PinError, UnsupportedTensorError
from trueup_reference.embedding_cache.keys import content_key

__all__ = ["EmbeddingCache", "PinError", "UnsupportedTensorError", "content_key"]
