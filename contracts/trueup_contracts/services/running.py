"""A service's process: waited for until it is ready, and stopped with its whole group."""

from __future__ import annotations

import contextlib
import http.client
import shutil
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from trueup_contracts.errors import AdapterDiedError
from trueup_contracts.processes import Log, ending, kill_group, start

_LOOK_S = 0.02  # between two looks at whether it is ready
_ANSWER_S = 1.0  # for one answer of a service that is starting


class Running:
    """One run of a service. `paths`: the files of its placeholders, in a folder that goes with it."""

    def __init__(self, argv: Sequence[str], root: Path, folder: Path, paths: Mapping[str, Path]) -> None:
        """Starts it in the root folder. `OSError` where it cannot be started."""
        self.paths = paths
        self._folder = folder
        self._is_gone = False
        self.process = start(argv, root, stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT)
        self._log = Log(self.process, self.process.stdout)

    def wait_until_ready(self, address: tuple[str, int], path: str, limit_s: float) -> None:
        """Until `path` answers 200, or, without one, until the port is open. `AdapterDiedError` where that fails."""
        __tracebackhide__ = True
        deadline_s = time.monotonic() + limit_s
        while (seen := _look(address, path)) is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                status = self.process.wait(_LOOK_S)
                self.stop(0)
                raise AdapterDiedError(f"the service {ending(status)} before it was ready{self._last_words()}")
            if time.monotonic() >= deadline_s:
                self.stop(0)
                raise AdapterDiedError(f"the service was not ready within {limit_s:g} s: {seen}{self._last_words()}")

    def terminate(self) -> None:
        """Asks it to end (SIGTERM), and does not wait."""
        self.process.terminate()

    def stop(self, limit_s: float) -> int:
        """Asks it to end, gives it time, then kills what is left of its group; its exit status, as `Popen` tells it."""
        if not self._is_gone:
            self._is_gone = True
            if limit_s > 0:
                self.process.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.process.wait(limit_s)
            kill_group(self.process)
            self._log.thread.join()
            shutil.rmtree(self._folder, ignore_errors=True)
        return self.process.returncode

    def log(self) -> str:
        """The last 64 KiB that it wrote."""
        return self._log.text()

    def _last_words(self) -> str:
        lines = self.log().strip().splitlines()
        from trueup.reports.escape import visible

        return f"; it wrote last: {visible(lines[-1][:300])}" if lines else ""


def _look(address: tuple[str, int], path: str) -> str | None:
    """Why a service is not ready yet, or nothing where it is."""
    try:
        if not path:
            socket.create_connection(address, _ANSWER_S).close()
            return None
        connection = http.client.HTTPConnection(*address, timeout=_ANSWER_S)
        try:
            connection.request("GET", path)
            status = connection.getresponse().status
        finally:
            connection.close()
    except (OSError, http.client.HTTPException) as error:
        return f"{getattr(error, 'strerror', None) or str(error) or type(error).__name__}"
    return None if status == 200 else f"GET {path} answered {status}"
