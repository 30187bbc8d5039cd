"""Where a cache's entries live: in this process, or on a Redis server that several processes share."""

from trueup_reference.embedding_cache.backends.interface import Backend, open_cache

__all__ = ["Backend", "open_cache"]
