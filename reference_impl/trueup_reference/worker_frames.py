"""The worker protocol over ZMQ: a router's DEALER asks a worker's ROUTER, in frames behind the version.

| | frames |
| --- | --- |
| router | `ask` id request headers; `cancel` id; `health` id |
| worker | `ack` id; `refused` id `{"status", "code", "message", "retry_after_s"}`; `event` id name data; `end` id; |
| | `alive`; `health` id `{"ok"}` |

`id` names the work on this connection: eight bytes. Request, events and data are those of HTTP; `end` is an answer that
ends without `finish`. A worker says `ack` at once, so that whoever asks knows that it was heard, and `alive` from time
to time to those whom it works for, by which it learns who has gone.
"""

from __future__ import annotations

import msgspec

VERSION = b"trueup-worker/1"
ID_BYTES = 8
SCHEME = "zmq+tcp"
HEARTBEAT_MS = 1000  # of ZMQ's own; after three without an answer the connection is lost
MOST_ASK_BYTES = 64 << 20
MOST_QUEUED = 10_000  # events on their way to a router, of all answers of a worker; then the worker waits


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """What a status is over HTTP."""

    status: int
    code: str = ""
    message: str = ""
    retry_after_s: float | None = None


def endpoint_of(url: str) -> str:
    """ZMQ's name for a URL of the scheme."""
    return "tcp://" + url.removeprefix(f"{SCHEME}://").rstrip("/")


def bracketed(host: str) -> str:
    """As it stands in an endpoint or a URL."""
    return f"[{host}]" if ":" in host else host
