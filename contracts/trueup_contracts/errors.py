"""How an implementation refuses, and how what stands between it and a suite fails.

A *refusal* is an answer: the implementation understood the call and will not do it. Suites demand
refusals by their code. Everything else that is raised is a fault, and never counts as a refusal.
"""

from __future__ import annotations

from typing import Any

CODES = frozenset({"too_large", "closed", "invalid", "unsupported", "malformed", "incomplete", "timeout", "internal"})


class _Coded(Exception):
    """What an implementer may raise in process; `code` is the refusal's."""

    code = "internal"


class Closed(_Coded):
    """The object was closed before the call."""

    code = "closed"


class Malformed(_Coded):
    """What arrived cannot be read."""

    code = "malformed"


class Incomplete(_Coded):
    """Only a part arrived: `data`."""

    code = "incomplete"

    def __init__(self, message: str = "", data: Any = None) -> None:
        """`data` reaches the suite."""
        super().__init__(message)
        self.data = data


class Unsupported(_Coded):
    """The implementation does not have this operation."""

    code = "unsupported"


class TooLarge(_Coded):
    """The value can never fit."""

    code = "too_large"


class Refusal(Exception):
    """What a suite sees when an implementation refused a call, in its own words. `data`: with incomplete, what came."""

    def __init__(self, code: str, message: str, data: Any = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.data = data


class AdapterError(Exception):
    """The implementation, or the adapter in front of it, failed: an exception that is no refusal."""


class WrongAnswerError(AssertionError):
    """The implementation answered with a value of a shape that the contract does not have."""


class AdapterDiedError(BaseException):
    """The adapter's process ended or broke the wire's rules, and was ended.

    No `Exception`: hypothesis would look for a smaller example, and wait for one adapter after the other to hang.
    """


class LateError(Exception):
    """A call has not come back when its test wanted it; the test says what that means."""


class NotRunError(BaseException):
    """The test cannot be run on this implementation: no verdict. No `Exception`, as above."""


class TargetError(Exception):
    """A declaration that cannot be obeyed; `hint` says what would be right."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message if hint is None else f"{message}\n{hint}")


def code_of(error: BaseException) -> str:
    """The code of an exception that an implementation raised; `internal` for what is no refusal."""
    code = getattr(error, "code", None)
    if isinstance(code, str) and code in CODES:
        return code
    return "invalid" if isinstance(error, ValueError | TypeError) else "internal"
