"""Keys, coroutines and defaults: ES-080 to ES-097."""

from __future__ import annotations

import asyncio
from typing import Any

import zmq

from contracts.event_transport.subscriber.hooked import Hooked
from contracts.event_transport.subscriber.others import Asyncio
from contracts.event_transport.subscriber.seeding import fault


@fault("ES-080")
class AKeyOfItsOwn(Hooked):
    """makes a client key of its own"""

    def encrypt(self, made: zmq.Socket[bytes]) -> None:
        if self.keys[0] is not None:
            self.keys = (self.keys[0], zmq.curve_keypair()[1].decode())
        super().encrypt(made)


@fault("ES-082")
class PlainText(Hooked):
    """takes keys and does not use them"""

    def encrypt(self, made: zmq.Socket[bytes]) -> None:
        pass


@fault("ES-090")
class CancelLosesAMessage(Asyncio):
    """waits for a message with wait_for, which drops it when it is cancelled"""

    async def frames(self) -> list[bytes] | None:
        try:
            async with asyncio.timeout(self.timeout_s):
                found: list[bytes] = await self.socket.recv_multipart()
                await asyncio.sleep(0)  # as a library in between does
                return found
        except TimeoutError:
            return None


@fault("ES-091")
class HoldsTheLoop(Asyncio):
    """waits in the loop's thread"""

    async def frames(self) -> list[bytes] | None:
        plain: Any = zmq.Socket(shadow=self.socket.underlying)
        return await super().frames() if plain.poll(int(self.timeout_s * 1_000)) else None


@fault("ES-095")
class DefaultIsASecond(Hooked):
    """waits for 10 s where nothing is said"""

    def default(self) -> Any:
        return 10_000


@fault("ES-095")
class DefaultIsToPoll(Hooked):
    """polls where nothing is said"""

    def default(self) -> Any:
        return 0


@fault("ES-096")
class IgnoresTheVariable(Hooked):
    """does not look at the variable"""

    def default(self) -> Any:
        return 100


@fault("ES-096")
class VariableComesFirst(Hooked):
    """lets the variable win over what was set"""

    def checked(self, timeout_ms: Any) -> int:
        return super().checked(self.default() if timeout_ms == 20 else timeout_ms)


@fault("ES-097")
class TakesWhatTheVariableSays(Hooked):
    """takes the default where the variable makes no sense"""

    def from_text(self, text: str) -> int:
        return int(text) if text.isascii() and text.isdigit() and int(text) < 2**31 else 100
