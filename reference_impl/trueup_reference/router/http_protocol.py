"""uvicorn's connections, for clients that are not trusted: requests are bounded in time, and their heads in size.

By itself uvicorn lets a head grow (with httptools) and a request last without end, and refuses in plain text.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any

import msgspec
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from trueup_reference.router.app.errors import Refused

MOST_HEAD_BYTES = 64 << 10
REQUEST_S = 60.0  # for a whole request, from the connection or from its first byte
STALL_S = 90.0  # a client that takes nothing for so long is cut; its work was ended before


class HttpProtocol(AutoHTTPProtocol):  # type: ignore[misc, valid-type]
    """One connection."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head_bytes = 0
        self._timer: asyncio.TimerHandle | None = None
        self._stall_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has come."""
        super().connection_made(transport)
        self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """It has gone."""
        self._stop_timer()
        self._stop_stall_timer()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """The client takes too little. A connection that is only closed would wait for it, without end."""
        super().pause_writing()
        self._stop_stall_timer()
        self._stall_timer = self.loop.call_later(STALL_S, self.transport.abort)

    def resume_writing(self) -> None:
        """It takes more."""
        self._stop_stall_timer()
        super().resume_writing()

    def data_received(self, data: bytes) -> None:
        """Heads are counted by whole pieces, bodies are not: whoever reads them does that."""
        before = self.cycle
        was_body = before is not None and before.more_body
        super().data_received(data)
        cycle = self.cycle
        is_head = cycle is before and not was_body
        self._head_bytes = self._head_bytes + len(data) if is_head else 0
        if is_head or cycle.more_body:
            if self._timer is None:
                self._start_timer()
        elif self._timer is not None:
            self._stop_timer()
        if self._head_bytes > MOST_HEAD_BYTES:
            self._refuse(431, f"the head is larger than {MOST_HEAD_BYTES:,} bytes")

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP."""
        self._refuse(400, msg)

    def _refuse(self, status: int, message: str) -> None:
        if self.transport.is_closing():
            return
        # Nothing is said into the answer of the request before, or to a client that has asked nothing.
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            body = msgspec.json.encode(Refused(status, "invalid_request", message).told(None))
            lines = (
                f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
                "content-type: application/json",
                f"content-length: {len(body)}",
                "connection: close",
            )
            self.transport.write("\r\n".join([*lines, "", ""]).encode() + body)
        self.transport.close()

    def _start_timer(self) -> None:
        self._timer = self.loop.call_later(REQUEST_S, self._too_slow)

    def _too_slow(self) -> None:
        if self.cycle is None and not self._head_bytes:
            self.transport.close()
        else:
            self._refuse(408, f"the request was not there within {REQUEST_S:g} s")

    def _stop_stall_timer(self) -> None:
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
