"""How long a suite waits: two budgets, both stretched by `--contracts-timeout-scale`.

*Wait for a signal*: generous, and polled, so that it takes no longer than the signal does. *Assert silence*: short,
since it always takes its whole time.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

SIGNAL_S = 15.0
SILENCE_S = 0.2
MARGIN_S = 2.0
_FIRST_LOOK_S, _LONGEST_LOOK_S = 0.001, 0.05
_Found = TypeVar("_Found")


@dataclass(frozen=True)
class Budgets:
    """The budgets of a run; `scale` is `subject.scale`."""

    scale: float = 1.0

    @property
    def signal_s(self) -> float:
        """How long a signal may take that must come."""
        return SIGNAL_S * self.scale

    @property
    def silence_s(self) -> float:
        """How long nothing must come."""
        return SILENCE_S * self.scale

    @property
    def margin_s(self) -> float:
        """How late a call may come back that has a deadline of its own."""
        return MARGIN_S * self.scale

    def until(self, look: Callable[[], _Found | None], what: str) -> _Found:
        """What `look` finds at last, asked again and again. `AssertionError` where it finds nothing in time."""
        __tracebackhide__ = True
        deadline, pause_s = time.monotonic() + self.signal_s, _FIRST_LOOK_S
        while True:
            is_last = time.monotonic() >= deadline
            found = look()
            if found:
                return found
            if is_last:
                raise AssertionError(f"{what}: not within {self.signal_s:g} s")
            time.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_LOOK_S)

    def never(self, look: Callable[[], _Found | None], what: str) -> None:
        """`look`, asked again and again, finds nothing. `AssertionError` where it does."""
        __tracebackhide__ = True
        deadline = time.monotonic() + self.silence_s
        while time.monotonic() < deadline:
            found = look()
            if found:
                raise AssertionError(f"{what}: {found!r}")
            time.sleep(_FIRST_LOOK_S)
