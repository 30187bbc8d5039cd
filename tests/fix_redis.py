"""A real Redis server on a socket of its own, ended whatever happens."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

BINARY = shutil.which("redis-server")
# On Linux the kernel ends the server when these tests are killed.
GUARD = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
START_S = 20.0


class RedisServer:
    """A server without persistence, reached by `url`. It can be killed and started again, and then it is empty."""

    def __init__(self, folder: Path, *options: str) -> None:
        self._folder = folder
        self._options = options
        self._socket = folder / "redis.sock"
        self.url = f"unix://{self._socket}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        assert BINARY is not None
        assert self._process is None
        argv = [*GUARD, BINARY, "--port", "0", "--unixsocket", str(self._socket), "--dir", str(self._folder)]
        argv += ["--save", "", "--appendonly", "no", "--logfile", str(self._folder / "log"), *self._options]
        self._process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        until = time.monotonic() + START_S
        while not self._answers():
            said = (self._folder / "log").read_text() if (self._folder / "log").exists() else "nothing"
            assert self._process.poll() is None, f"redis-server ended; it said {said}"
            assert time.monotonic() < until, f"redis-server is not ready after {START_S:.0f} s; it said {said}"
            time.sleep(0.01)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def pause(self) -> None:
        """It takes connections and answers nothing, as behind a network that drops packets."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as asking:
            asking.settimeout(1)
            try:
                asking.connect(str(self._socket))
                asking.sendall(b"PING\r\n")
                return asking.recv(16) == b"+PONG\r\n"
            except OSError:
                return False


@pytest.fixture(scope="session")
def shared_redis() -> Iterator[RedisServer]:
    """One server for tests that keep to a namespace of their own."""
    yield from _served()


@pytest.fixture
def own_redis() -> Iterator[RedisServer]:
    """A server that a test may kill or fill."""
    yield from _served("--maxmemory-policy", "allkeys-lru")


def _served(*options: str) -> Iterator[RedisServer]:
    if BINARY is None:
        pytest.skip("redis-server is not installed")
    # Not pytest's folder: the path of a socket has at most 107 bytes.
    with tempfile.TemporaryDirectory(prefix="trueup-redis-") as folder:
        server = RedisServer(Path(folder), *options)
        try:
            server.start()
            yield server
        finally:
            server.kill()
