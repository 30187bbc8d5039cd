"""A client of etcd's JSON gateway (etcd 3.4 or newer, paths under /v3).

The clients for Python that speak gRPC are no longer kept, and the gateway is part of every etcd. Where an endpoint
fails, the next one is asked; a call fails once all have failed.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Mapping
from typing import Any, TypeVar

import aiohttp
import msgspec

from trueup_reference.etcd.errors import (
    DEADLINE_EXCEEDED,
    INVALID_ARGUMENT,
    UNAUTHENTICATED,
    UNAVAILABLE,
    CompactedError,
    EtcdAwayError,
    EtcdError,
)
from trueup_reference.etcd.messages import (
    Authenticated,
    Failed,
    Granted,
    KeptAliveResult,
    Listed,
    Ranged,
    Watched,
    WatchLine,
)
from trueup_reference.etcd.settings import EtcdSettings

MOST_ANSWER_BYTES = 64 << 20
_Read = TypeVar("_Read")
# A member that has lost its leader then ends a watch, which would otherwise say nothing for ever.
_NEEDS_LEADER = {"Grpc-Metadata-Hasleader": "true"}
_Failures = (aiohttp.ClientError, TimeoutError, OSError, msgspec.DecodeError)


class EtcdClient:
    """Used from one event loop; `close` ends its connections."""

    def __init__(self, settings: EtcdSettings) -> None:
        """`ValueError` where a certificate cannot be had. Nothing is connected yet."""
        self.settings = settings
        self.endpoint = settings.endpoints[0]  # the one that answered last
        self._ssl = settings.ssl_context()
        self._session: aiohttp.ClientSession | None = None
        self._token: str | None = None

    async def close(self) -> None:
        """A second call does nothing."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def list(self, prefix: str) -> Listed:
        """All keys below it, at one revision; the cluster has agreed on it, so that no member can be behind."""
        answer = await self._call("kv/range", _span(prefix), Ranged)
        return Listed(answer.header.revision, answer.kvs)

    async def put(self, key: str, value: bytes, lease: int = 0) -> None:
        """`EtcdError` with code 5 where the lease is gone."""
        asked = {"key": key.encode(), "value": value, **({"lease": str(lease)} if lease else {})}
        await self._call("kv/put", asked, object)

    async def delete(self, key: str) -> None:
        """Also where there is none."""
        await self._call("kv/deleterange", {"key": key.encode()}, object)

    async def grant(self, ttl_s: int) -> int:
        """A new lease."""
        return (await self._call("lease/grant", {"TTL": str(ttl_s)}, Granted)).id

    async def keep_alive(self, lease: int) -> int:
        """The seconds that it has from now on; 0: it is gone."""
        return (await self._call("lease/keepalive", {"ID": str(lease)}, KeptAliveResult)).result.ttl

    async def revoke(self, lease: int) -> None:
        """The lease and its keys go. `EtcdError` with code 5 where it is gone already."""
        await self._call("lease/revoke", {"ID": str(lease)}, object)

    async def watch(self, prefix: str, start: int) -> AsyncGenerator[Watched, None]:
        """The changes from this revision on, from the endpoint that answered last.

        The first message says that the watch stands. `CompactedError` where the history is gone, `EtcdAwayError` where
        the stream ends. A silent stream proves nothing: whoever watches also lists from time to time.
        """
        create = {**_span(prefix), "start_revision": str(start)}
        try:
            async with asyncio.timeout(self.settings.timeout_s):
                response = await self._post(self.endpoint, "watch", {"create_request": create}, _NEEDS_LEADER)
        except _Failures as error:
            raise EtcdAwayError(f"{self.endpoint}: {_reason(error)}") from error
        try:
            async for line in _lines(response):
                watched = _watched(line)
                if watched.canceled and watched.compact_revision:
                    raise CompactedError(f"the history before revision {watched.compact_revision} is gone")
                if watched.canceled:
                    raise EtcdError(watched.cancel_reason or "the watch was cancelled")
                yield watched
            raise EtcdAwayError(f"{self.endpoint}: the watch has ended")
        except _Failures as error:
            raise EtcdAwayError(f"{self.endpoint}: {_reason(error)}") from error
        finally:
            response.close()

    async def _call(self, path: str, asked: Mapping[str, Any], kind: type[_Read]) -> _Read:
        """Asks each endpoint in turn, the one that answered last before the others."""
        endpoints = self.settings.endpoints
        first = endpoints.index(self.endpoint)
        failed: list[str] = []
        for endpoint in [*endpoints[first:], *endpoints[:first]]:
            try:
                answer = await self._ask(endpoint, path, asked, kind)
            except EtcdError as error:
                if error.code not in (UNAVAILABLE, DEADLINE_EXCEEDED):
                    raise
                failed.append(f"{endpoint}: {error}")
            except _Failures as error:
                failed.append(f"{endpoint}: {_reason(error)}")
            else:
                self.endpoint = endpoint
                return answer
        raise EtcdAwayError("; ".join(failed))

    async def _ask(self, endpoint: str, path: str, asked: Mapping[str, Any], kind: type[_Read]) -> _Read:
        try:
            return await self._ask_once(endpoint, path, asked, kind)
        except EtcdError as error:
            # Tokens end, with the time or with a restart; INVALID_ARGUMENT is of one that is older than the users.
            if self.settings.user is None or error.code not in (UNAUTHENTICATED, INVALID_ARGUMENT):
                raise
        self._token = None
        return await self._ask_once(endpoint, path, asked, kind)

    async def _ask_once(self, endpoint: str, path: str, asked: Mapping[str, Any], kind: type[_Read]) -> _Read:
        async with asyncio.timeout(self.settings.timeout_s):
            if self._token is None and self.settings.user is not None:
                who = {"name": self.settings.user, "password": self.settings.password}
                answer = await self._read(await self._post(endpoint, "auth/authenticate", who), Authenticated)
                self._token = answer.token
            return await self._read(await self._post(endpoint, path, asked), kind)

    async def _post(
        self, endpoint: str, path: str, asked: Mapping[str, Any], headers: Mapping[str, str] | None = None
    ) -> aiohttp.ClientResponse:
        if self._session is None:
            # Proxies of the environment are for the world outside; nothing is decompressed that would grow.
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=None), connector=aiohttp.TCPConnector(ssl=self._ssl or True)
            )
        sent = {**(headers or {}), **({"Authorization": self._token} if self._token is not None else {})}
        body = msgspec.json.encode(asked)
        response = await self._session.post(f"{endpoint}/v3/{path}", data=body, headers=sent, allow_redirects=False)
        if response.status != 200:
            raise await _refused(response)
        return response

    async def _read(self, response: aiohttp.ClientResponse, kind: type[_Read]) -> _Read:
        async with response:
            return msgspec.json.decode(await _bounded(response), type=kind, strict=False)


def _span(prefix: str) -> dict[str, bytes]:
    """All keys that begin so; the last byte of a prefix is no 0xFF here."""
    key = prefix.encode()
    return {"key": key, "range_end": key[:-1] + bytes([key[-1] + 1])}


async def _bounded(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > MOST_ANSWER_BYTES:
            raise aiohttp.ClientError(f"an answer of more than {MOST_ANSWER_BYTES:,} bytes")
    return bytes(body)


async def _lines(response: aiohttp.ClientResponse) -> AsyncGenerator[bytes, None]:
    rest = bytearray()
    async for chunk in response.content.iter_any():
        rest += chunk
        *lines, last = rest.split(b"\n")
        for line in lines:
            yield bytes(line)
        rest = bytearray(last)
        if len(rest) > MOST_ANSWER_BYTES:
            raise aiohttp.ClientError(f"a line of more than {MOST_ANSWER_BYTES:,} bytes")


def _watched(line: bytes) -> Watched:
    read = msgspec.json.decode(line, type=WatchLine, strict=False)
    if read.error is not None:
        code = read.error.grpc_code or read.error.code
        kind = EtcdAwayError if code in (UNAVAILABLE, DEADLINE_EXCEEDED) else EtcdError
        raise kind(read.error.message, code)
    if read.result is None:
        raise EtcdError("a line of the watch that says nothing")
    return read.result


async def _refused(response: aiohttp.ClientResponse) -> EtcdError:
    async with response:
        body = await _bounded(response)
    try:
        told = msgspec.json.decode(body, type=Failed)
    except msgspec.DecodeError:
        return EtcdError(f"status {response.status}", UNAVAILABLE if response.status >= 500 else 0)
    return EtcdError(told.message or f"status {response.status}", told.code)


def _reason(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, aiohttp.ClientPayloadError | aiohttp.ServerDisconnectedError):
        return "the connection is lost"
    if isinstance(error, aiohttp.ClientSSLError):
        return str(error)
    if isinstance(error, aiohttp.ClientConnectorError) and error.os_error.errno:
        return os.strerror(error.os_error.errno)
    return str(error) or type(error).__name__
