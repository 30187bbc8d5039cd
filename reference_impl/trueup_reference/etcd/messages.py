"""What the gateway answers: protobuf's JSON, whose numbers of 64 bits are texts and whose bytes are Base64."""

from __future__ import annotations

from typing import Literal, NamedTuple

import msgspec


class Header(msgspec.Struct, frozen=True):
    """Of every answer."""

    revision: int = 0


class KeyValue(msgspec.Struct, frozen=True):
    """`mod_revision`: of the change that made it so."""

    key: bytes
    value: bytes = b""
    mod_revision: int = 0
    lease: int = 0


class Event(msgspec.Struct, frozen=True):
    """A change. Nothing tells whether a DELETE is an expiry, a revocation or a command."""

    kv: KeyValue
    type: Literal["PUT", "DELETE"] = "PUT"


class Ranged(msgspec.Struct, frozen=True):
    """Of `/v3/kv/range`."""

    header: Header
    kvs: tuple[KeyValue, ...] = ()


class Granted(msgspec.Struct, frozen=True, rename={"id": "ID", "ttl": "TTL"}):
    """Of `/v3/lease/grant`."""

    header: Header
    id: int
    ttl: int = 0


class KeptAlive(msgspec.Struct, frozen=True, rename={"ttl": "TTL"}):
    """Of `/v3/lease/keepalive`; a lease that is gone has no TTL."""

    ttl: int = 0


class KeptAliveResult(msgspec.Struct, frozen=True):
    """A stream of one."""

    result: KeptAlive


class Authenticated(msgspec.Struct, frozen=True):
    """Of `/v3/auth/authenticate`."""

    token: str


class Watched(msgspec.Struct, frozen=True):
    """One message of a watch."""

    header: Header = Header()
    created: bool = False
    canceled: bool = False
    compact_revision: int = 0
    cancel_reason: str = ""
    events: tuple[Event, ...] = ()


class Failed(msgspec.Struct, frozen=True):
    """Of a call that is refused. In a stream the same stands under `error`, as an object."""

    message: str = ""
    code: int = 0
    grpc_code: int = 0


class WatchLine(msgspec.Struct, frozen=True):
    """A line of a watch's stream."""

    result: Watched | None = None
    error: Failed | None = None


class Listed(NamedTuple):
    """All keys of a prefix as they were at a revision."""

    revision: int
    kvs: tuple[KeyValue, ...]
