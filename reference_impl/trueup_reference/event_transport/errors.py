"""What the transport refuses. Each has a `code`, by which a contract suite knows it."""

from __future__ import annotations


class SettingError(ValueError):
    """A setting that cannot be: a negative timeout, an endpoint without a scheme, a key that is none."""


class ClosedError(RuntimeError):
    """A call after `close`."""

    code = "closed"


class MalformedError(ValueError):
    """Frames or bytes that are no message."""

    code = "malformed"


class IncompleteError(RuntimeError):
    """A replay whose end marker did not come in time; `data` is what came."""

    code = "incomplete"

    def __init__(self, message: str, data: list[tuple[int, str | None, bytes]]) -> None:
        """What came is in the order in which it came."""
        super().__init__(message)
        self.data = data
