"""Real etcd processes on free ports of loopback, ended whatever happens."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import platform
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

BINARY = shutil.which("etcd")
# On Linux the kernel ends the server when these tests are killed.
GUARD = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
START_S = 30.0
# It syncs every write, which on the disk of a loaded machine takes as long as a lease lasts here.
# A member reserves 64 MiB for its log, which is all that a container has there by default.
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) and shutil.disk_usage("/dev/shm").free > 1 << 30 else None
# Below those that systems give out: nobody gets a server's port while it is down.
PORTS = range(12_000, 30_000)
# Its options have variables too; and on ARM, etcd 3.4 wants to be told that it may.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("ETCD_")}
if platform.machine() in ("aarch64", "arm64"):
    ENVIRONMENT["ETCD_UNSUPPORTED_ARCH"] = "arm64"
# An election of 50 ms lets a lease last one second, where etcd's default makes two of it.
QUICK = ["--heartbeat-interval", "10", "--election-timeout", "50"]


class HeldPort:
    """A port of loopback that is ours until it is let go; a server that reuses addresses gets it, whenever it starts.

    Whoever looks for a free one does not: between such a look and the start there is time for others. Elsewhere than on
    Linux it is only one that nobody had a moment ago.
    """

    def __init__(self) -> None:
        while True:
            self.number = random.SystemRandom().choice(PORTS)
            self._socket = socket.socket()
            try:
                self._socket.bind(("127.0.0.1", self.number))
            except OSError:
                self._socket.close()
                continue
            if sys.platform == "linux":
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            else:
                self._socket.close()
            return

    def let_go(self) -> None:
        self._socket.close()


class EtcdServer:
    """One member with its data; it can be killed, paused, started again, and begin anew with an empty store.

    `options`: further words of its command line. `peers` may be widened before the start, to be a cluster's.
    """

    def __init__(self, folder: Path, *options: str, scheme: str = "http", name: str = "one") -> None:
        self._folder = folder
        folder.mkdir(exist_ok=True)
        self._options = options
        self._scheme = scheme
        self.name = name
        self._ports = [HeldPort(), HeldPort()]
        self._at(self._ports[0].number)
        self.peer_url = f"http://127.0.0.1:{self._ports[1].number}"
        self.peers = {name: self.peer_url}
        self._process: subprocess.Popen[bytes] | None = None

    def launch(self) -> None:
        """Without waiting."""
        assert BINARY is not None
        assert self._process is None
        cluster = ",".join(f"{name}={url}" for name, url in self.peers.items())
        argv = [*GUARD, BINARY, "--name", self.name, "--data-dir", str(self._folder / "data"), *QUICK]
        argv += ["--listen-client-urls", self.url, "--advertise-client-urls", self.url]
        argv += ["--listen-peer-urls", self.peer_url, "--initial-advertise-peer-urls", self.peer_url]
        argv += ["--initial-cluster", cluster, "--logger", "zap", "--log-level", "warn", *self._options]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=ENVIRONMENT)

    def start(self) -> None:
        self.launch()
        self.wait()

    async def start_beside(self) -> None:
        """The event loop goes on. The kernel's guard ends the server with the thread that launched it: this one."""
        self.launch()
        await asyncio.to_thread(self.wait)

    def wait(self) -> None:
        """Until it takes connections."""
        assert self._process is not None
        until = time.monotonic() + START_S
        while not self._listens():
            assert self._process.poll() is None, f"etcd ended; it said {self.said()}"
            assert time.monotonic() < until, f"etcd is not ready after {START_S:.0f} s; it said {self.said()}"
            time.sleep(0.01)

    def said(self) -> str:
        return (self._folder / "log").read_text(errors="replace")[-4000:]

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def close(self) -> None:
        """For good."""
        self.kill()
        for port in self._ports:
            port.let_go()

    def pause(self) -> None:
        """It takes connections and answers nothing, as behind a network that drops packets."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def lose_data(self) -> None:
        """Its next start is a new store, with the same cluster id."""
        assert self._process is None
        shutil.rmtree(self._folder / "data")

    @contextmanager
    def elsewhere(self) -> Iterator[None]:
        """Started in this block, it listens where nobody of before looks for it."""
        port, url = self.port, self.url
        self._ports.append(HeldPort())
        self._at(self._ports[-1].number)
        yield
        self._at(port)
        assert self.url == url

    def _at(self, port: int) -> None:
        self.port = port
        self.address = f"127.0.0.1:{port}"
        self.url = f"{self._scheme}://{self.address}"

    def ask(self, path: str, **asked: Any) -> Any:
        """A call of the gateway; texts of `key`, `range_end` and `value` are encoded."""
        coded = {
            name: base64.b64encode(value.encode()).decode() if name in ("key", "range_end", "value") else value
            for name, value in asked.items()
        }
        request = urllib.request.Request(f"{self.url}/v3/{path}", json.dumps(coded).encode(), method="POST")
        with urllib.request.urlopen(request, timeout=10) as response:
            return json.loads(response.read())

    def revision(self) -> int:
        return int(self.ask("kv/range", key="x")["header"]["revision"])

    def _listens(self) -> bool:
        with socket.socket() as asking:
            asking.settimeout(1)
            if asking.connect_ex(("127.0.0.1", self.port)) != 0:
                return False
        if self._scheme != "http":
            return True
        try:
            self.revision()
        except urllib.error.HTTPError as error:
            return error.code < 500  # it asks for a user
        except OSError:
            return False
        return True


@pytest.fixture
def etcd() -> Iterator[EtcdServer]:
    """A server that a test may kill."""
    yield from served()


def served(*options: str, scheme: str = "http") -> Iterator[EtcdServer]:
    if BINARY is None:
        pytest.skip("etcd is not installed")
    with tempfile.TemporaryDirectory(prefix="trueup-etcd-", dir=MEMORY) as folder:
        server = EtcdServer(Path(folder), *options, scheme=scheme)
        try:
            server.start()
            yield server
        finally:
            server.close()
