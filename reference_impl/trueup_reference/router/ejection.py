"""When a worker that fails gets no requests for a while, and how it comes back: by one request that succeeds."""

from __future__ import annotations

from trueup_reference.router.service import EjectionSettings


class Ejection:
    """One worker's. Times in seconds, of one clock.

    Failures in a row eject it for a time that doubles with each ejection, up to the most. After it one request probes:
    the others wait for what becomes of it. A success makes an end of the row, and of the doubling.
    """

    __slots__ = ("_backoff_s", "_failures", "_most", "_most_s", "ejections", "is_probing", "until")

    def __init__(self, settings: EjectionSettings) -> None:
        """In use."""
        self._most = settings.failures
        self._backoff_s = settings.backoff_ms / 1000
        self._most_s = max(settings.max_backoff_ms, settings.backoff_ms) / 1000
        self._failures = 0  # in a row
        self.ejections = 0  # in a row: without a request that was completed between them
        self.until: float | None = None  # while it is ejected: when a request may probe
        self.is_probing = False

    def is_open(self, now: float) -> bool:
        """Whether a request may go to the worker now; where it is ejected, as the one that probes."""
        return self.until is None or (now >= self.until and not self.is_probing)

    def begin(self, now: float) -> bool:
        """A request goes there; whether it is the one that probes, which must end by one of the calls below."""
        if self.until is None or now < self.until or self.is_probing:
            return False
        self.is_probing = True
        return True

    def answered(self, *, probe: bool) -> None:
        """The first item has come, or whatever else says that the worker is alive: it takes requests again.

        The next failure ejects it again, for longer, unless the request is completed before.
        """
        if self.until is not None:
            self.until = None
            self._failures = self._most - 1
        if probe:
            self.is_probing = False

    def completed(self) -> None:
        """A request has been answered to its end."""
        self._failures = 0
        if self.until is None:
            self.ejections = 0

    def failed(self, now: float, *, probe: bool) -> bool:
        """A request has failed; whether the worker is ejected by that."""
        if probe:
            self.is_probing = False
        if self.until is not None and not probe:
            return False  # of those that went there before it was ejected, or because there is no other
        self._failures += 1
        if self.until is None and self._failures < self._most:
            return False
        self.until = now + min(self._backoff_s * 2 ** min(self.ejections, 32), self._most_s)
        self.ejections += 1
        return True

    def abandoned(self, *, probe: bool) -> None:
        """A request ended without saying anything about the worker: its client has gone."""
        if probe:
            self.is_probing = False
