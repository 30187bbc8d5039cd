"""What can go wrong with etcd, told apart by what its user does next."""

from __future__ import annotations

# Codes of gRPC, which the gateway hands on.
INVALID_ARGUMENT = 3
DEADLINE_EXCEEDED = 4
NOT_FOUND = 5
UNAVAILABLE = 14
UNAUTHENTICATED = 16


class EtcdError(Exception):
    """etcd has answered, and refuses: a permission that is missing, a lease that is gone. `code` is gRPC's."""

    def __init__(self, message: str, code: int = 0) -> None:
        super().__init__(message)
        self.code = code


class EtcdAwayError(EtcdError):
    """No endpoint answers, or none that has a leader; the text names each with its reason."""


class CompactedError(EtcdError):
    """A watch from a revision whose history is gone: list again. etcd is well."""
