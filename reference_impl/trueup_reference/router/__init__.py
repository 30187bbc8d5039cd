"""The reference of the global router: which pool a request gets."""

from trueup_reference.router.selection import PoolRouter

__all__ = ["PoolRouter"]
