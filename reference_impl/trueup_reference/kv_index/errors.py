"""What the index refuses; whatever is refused has changed nothing."""

from __future__ import annotations


class InvalidEventError(ValueError):
    """An event or a request that is malformed: a field that lacks, of a wrong type, or out of range."""

    code = "invalid"


class OtherBlockSizeError(InvalidEventError):
    """An event of another block size than the index's: nothing of it would ever match."""


class UnknownParentError(InvalidEventError):
    """A store below a block that its worker does not hold: the worker's events were lost, or came in another order."""


class ClosedError(RuntimeError):
    """A call after `close`."""

    code = "closed"
