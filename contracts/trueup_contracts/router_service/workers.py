"""Workers that do as a test says: they speak the worker protocol over HTTP and keep what they were asked."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from trueup_contracts.router_service import http11
from trueup_contracts.router_service.answering import Answering, Gone
from trueup_contracts.router_service.background import Background
from trueup_contracts.router_service.steps import Script, Step, always, complete, told

HOST = "127.0.0.1"
TOKENS_PER_WORKER = 1_000  # the tokens of worker n are n + 1 thousand and up


class Asked:
    """One request to `/generate`: what was asked, when, and what became of it.

    `outcome`: `answered`; `gone`, where the other end closed first; `cut`, where the worker did; or nothing yet.
    """

    def __init__(self, worker_id: str, number: int, head: http11.Head, raw: bytes) -> None:
        self.worker_id = worker_id
        self.number = number  # of the worker in its fleet
        self.headers = head.headers
        self.raw = raw
        self.at_s = time.monotonic()
        self.outcome: str | None = None
        self.ended_at_s = 0.0
        self.sent_at_s: list[float] = []  # of each event
        try:
            found = json.loads(raw)
        except ValueError:
            found = None
        self.body: dict[str, Any] = found if isinstance(found, dict) else {}

    @property
    def request_id(self) -> str:
        """As it was sent; empty where there is none."""
        return str(self.body.get("request_id", ""))

    @property
    def phase(self) -> str:
        """As it was sent."""
        return str(self.body.get("phase", ""))

    @property
    def attempt(self) -> Any:
        """As it was sent."""
        return self.body.get("attempt")

    @property
    def max_tokens(self) -> int:
        """As it was sent, or 1."""
        found = self.body.get("max_tokens")
        return found if isinstance(found, int) else 1

    @property
    def key(self) -> tuple[str, ...]:
        """Of this piece of work: the same one is answered once."""
        return tuple(str(self.body.get(name)) for name in ("request_id", "phase", "router_id", "attempt"))

    def end(self, outcome: str) -> bool:
        """It is over, unless it was before."""
        if self.outcome is not None:
            return False
        self.ended_at_s = time.monotonic()
        self.outcome = outcome
        return True

    def __repr__(self) -> str:
        """For messages."""
        told = {name: value for name, value in self.body.items() if name != "token_ids"}
        return f"Asked({self.worker_id}, {json.dumps(told)}, {self.outcome or 'under way'})"


class Worker:
    """One worker at `url`. Calls come from the test's thread."""

    def __init__(
        self,
        background: Background,
        number: int,
        identity: str,
        namespace: str,
        phase: str,
        note: Callable[[str], None] = lambda text: None,
    ) -> None:
        """Listens at once. `number`: in its fleet, from 0. `note` is told what it does, where that is not to answer."""
        self._note: Callable[[str], None] = lambda text: None  # that it listens is the beginning
        self.id, self.namespace, self.phase, self.number = identity, namespace, phase, number
        self.asked: list[Asked] = []
        self.health_status = 200
        self.health_asked = 0
        self.connections_made = 0
        self._background = background
        self._scripts: list[tuple[Script, int | None]] = []
        self._keys: set[tuple[str, ...]] = set()
        self._under_way: dict[tuple[str, str], Callable[[], None]] = {}
        self._connections: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._place = _bound(0)
        self._filling: list[socket.socket] = []
        self.port: int = self._place.getsockname()[1]
        self.url = f"http://{HOST}:{self.port}"
        self.start()
        self._note = lambda text: note(f"# {identity} {text}")

    @property
    def entry(self) -> dict[str, str]:
        """Its line of the discovery file."""
        return {"id": self.id, "namespace": self.namespace, "phase": self.phase, "url": self.url}

    @property
    def in_flight(self) -> list[Asked]:
        """What is under way."""
        return [one for one in self.asked if one.outcome is None]

    @property
    def connections(self) -> int:
        """Open ones."""
        return len(self._connections)

    def script(self, *steps: Step, times: int | None = None) -> None:
        """What it does with the next requests: these steps. `times`: with so many; then again what it did before."""
        self._scripts.append((always(*steps), times))

    def script_by(self, script: Script, times: int | None = None) -> None:
        """The same, with steps that depend on what is asked."""
        self._scripts.append((script, times))

    def reset(self) -> None:
        """As new: answers whole, is healthy, and has been asked nothing."""
        self._scripts.clear()
        self.asked.clear()
        self.health_status = 200

    def start(self) -> None:
        """Listens (again), at the same port."""
        if self._server is None:
            self._note(f"listens on port {self.port}")
            self._free()
            self._server = self._background.run(asyncio.start_server(self._serve, sock=self._place, limit=1 << 20))

    def stop(self) -> None:
        """As killed: its connections are reset, and new ones are refused."""
        if self._server is not None:
            self._note("is killed: connections are reset, and new ones refused")
            self._background.run(self._stop())
            self._place = _bound(self.port)

    def black_hole(self) -> None:
        """Its connections are reset, and new ones are neither taken nor refused: a connect waits."""
        self.stop()
        self._note("neither takes connections nor refuses them")
        self._place.listen(0)
        while True:  # the queue of what waits to be accepted fills up; then the system drops who asks
            one = socket.socket()
            one.settimeout(0.1)
            self._filling.append(one)
            try:
                one.connect((HOST, self.port))
            except TimeoutError:
                return

    def close(self) -> None:
        """For good."""
        self._background.run(self._stop())
        self._free(for_good=True)

    def _free(self, *, for_good: bool = False) -> None:
        is_black_hole = bool(self._filling)
        for one in self._filling:
            one.close()
        self._filling.clear()
        if is_black_hole or for_good:
            self._place.close()
        if is_black_hole and not for_good:
            self._place = _bound(self.port)

    async def _stop(self) -> None:
        if self._server is not None:
            self._server.close()  # its socket too
            self._server = None
        for one in self.in_flight:
            one.end("cut")
        for writer in list(self._connections):
            http11.reset(writer)
        await asyncio.sleep(0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections.add(writer)
        self.connections_made += 1
        before = b""
        try:
            while (head := await http11.read_head(reader, before)) is not None:
                raw = await http11.body(reader, head)
                before = await self._one(head, raw, reader, writer)
                if "close" in head.headers.get("connection", "").lower():
                    break
        except (http11.FaultError, ConnectionError, Gone):
            pass  # the connection is of no more use; what was asked on it has its outcome
        finally:
            self._connections.discard(writer)
            writer.close()
            self._background.news()

    async def _one(
        self, head: http11.Head, raw: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bytes:
        """Answers a request; what was read of the next one meanwhile."""
        method, path = [*head.line.split(" "), "", ""][:2]
        if path == "/health":
            self.health_asked += 1
            self._background.news()
            await _tell(writer, self.health_status, {"status": "ok" if self.health_status == 200 else "ill"})
            return b""
        if (method, path) != ("POST", "/generate"):
            await _tell(writer, 404, {"error": {"code": "invalid_request", "message": f"no {method} {path} here"}})
            return b""
        asked = Asked(self.id, self.number, head, raw)
        self.asked.append(asked)
        answering = Answering(asked, reader, writer, self._background.news)
        self._background.news()
        if asked.key in self._keys:
            return await answering.refuse(409, "duplicate")
        self._keys.add(asked.key)
        place = (asked.request_id, asked.phase)
        if place in self._under_way:  # a new attempt cancels the older
            self._under_way[place]()
        cancel = self._under_way[place] = lambda: http11.reset(writer)
        try:
            return await answering.run(self._steps_for(asked))
        finally:
            if self._under_way.get(place) is cancel:
                del self._under_way[place]

    def _steps_for(self, asked: Asked) -> Sequence[Step]:
        steps = self._next_script()(asked)
        if list(steps) != list(complete(asked)):
            self._note(f"asked for {asked.request_id} ({asked.phase}, attempt {asked.attempt}): {told(steps)}")
        return steps

    def _next_script(self) -> Script:
        while self._scripts:
            script, times = self._scripts[-1]
            if times is None:
                return script
            if times > 0:
                self._scripts[-1] = (script, times - 1)
                return script
            self._scripts.pop()
        return complete


def _bound(port: int) -> socket.socket:
    """A socket that has the port and does not listen: connections to it are refused, and nobody else gets it."""
    found = socket.socket()
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    found.bind((HOST, port))
    return found


async def _tell(writer: asyncio.StreamWriter, status: int, value: Mapping[str, Any]) -> None:
    text = json.dumps(value).encode()
    writer.write(
        f"HTTP/1.1 {status} -\r\ncontent-type: application/json\r\ncontent-length: {len(text)}\r\n\r\n".encode()
    )
    writer.write(text)
    with contextlib.suppress(ConnectionError):
        await writer.drain()
