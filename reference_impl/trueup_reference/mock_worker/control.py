"""A socket over which a running worker is told what to do: one JSON object a line, one answer a line.

`{"op": "about"}`, `{"op": "fail", "fail": ["after:3x2"]}` (as --fail, in place of the faults before; [] none),
`{"op": "faults"}`, `{"op": "settings", "settings": {"ttft_ms": 500}}`, `{"op": "reset"}` (drops the cache),
`{"op": "withdraw"}` and `{"op": "register"}` (from discovery, and back). Answers are `{"ok": …}` or
`{"error": {"code", "message"}}`. `python -m trueup_reference.mock_worker.control SOCKET fail after:3` says one of them.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import socket
import stat
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import msgspec

from trueup_reference.mock_worker.faults import parse_fail
from trueup_reference.mock_worker.settings import Settings
from trueup_reference.mock_worker.worker import Worker

MOST_LINE_BYTES = 1 << 16
# What may change while requests are under way.
CHANGEABLE = ("ttft_ms", "prefill_us_per_token", "itl_ms", "max_in_flight", "max_prefills", "max_decodes", "drain_ms")
OPERATIONS = ("about", "fail", "faults", "settings", "reset", "withdraw", "register")


class Said(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A line."""

    op: str
    fail: list[str] | None = None
    settings: dict[str, float] | None = None


class Control:
    """Listens at a path that only its owner may use."""

    def __init__(
        self,
        path: Path,
        worker: Worker,
        about: Callable[[], dict[str, Any]],
        register: Callable[[bool], Awaitable[None]],
    ) -> None:
        """`register` makes the worker known, or takes it back."""
        self._path = path
        self._worker = worker
        self._about = about
        self._register = register
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """`OSError` where the path cannot be had, or another worker listens there."""
        _clear(self._path)
        before = os.umask(0o177)
        try:
            self._server = await asyncio.start_unix_server(self._serve, self._path, limit=MOST_LINE_BYTES)
        finally:
            os.umask(before)

    async def close(self) -> None:
        """A second call does nothing."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
            for task in self._connections:
                task.cancel()
            self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            while line := await reader.readline():
                writer.write(msgspec.json.encode(await self._answered(line)) + b"\n")
                await writer.drain()
        except ValueError:
            told = _error("invalid_request", f"a line of more than {MOST_LINE_BYTES:,} bytes")
            writer.write(msgspec.json.encode(told) + b"\n")
        except (ConnectionError, asyncio.CancelledError):
            pass  # whoever asked has gone, or the worker ends
        finally:
            self._connections.discard(task)
            writer.close()

    async def _answered(self, line: bytes) -> dict[str, Any]:
        try:
            return {"ok": await self._obey(msgspec.json.decode(line, type=Said))}
        except (msgspec.DecodeError, ValueError) as error:
            return _error("invalid_request", str(error))
        except OSError as error:
            return _error("failed", str(error))

    async def _obey(self, said: Said) -> Any:
        worker = self._worker
        if said.op == "about":
            return self._about()
        if said.op in ("fail", "faults"):
            if said.op == "fail":
                if said.fail is None:
                    raise ValueError("fail is missing: a list such as ['after:3x2'] is due; [] sets none")
                worker.faults.set([parse_fail(text) for text in said.fail])
            return {"faults": worker.faults.faults}
        if said.op == "settings":
            worker.settings = changed(worker.settings, said.settings or {})
            return {name: getattr(worker.settings, name) for name in CHANGEABLE}
        if said.op == "reset":
            if not worker.clear():
                return _error("busy", "requests are under way")["error"]
            return {"cleared": True}
        if said.op in ("withdraw", "register"):
            await self._register(said.op == "register")
            return {"registered": said.op == "register"}
        raise ValueError(f"op is {said.op[:40]!r}: one of {', '.join(OPERATIONS)} is due")


def changed(settings: Settings, given: dict[str, float]) -> Settings:
    """The settings with these in place of what they were. `ValueError` for what cannot be, or not while it runs."""
    values: dict[str, Any] = {one.name: getattr(settings, one.name) for one in fields(Settings)}
    for name, value in given.items():
        if name not in CHANGEABLE:
            raise ValueError(f"{name[:40]!r} cannot be changed: one of {', '.join(CHANGEABLE)} is due")
        values[name] = int(value) if isinstance(values[name], int) else value
    return Settings(**values)


def say(path: Path, said: dict[str, Any], timeout_s: float = 10.0) -> Any:
    """Says one thing and returns what is answered. `OSError` where nobody listens, `ValueError` for an error."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(timeout_s)
        connection.connect(str(path))
        connection.sendall(msgspec.json.encode(said) + b"\n")
        with connection.makefile("rb") as lines:
            answer = msgspec.json.decode(lines.readline())
    if "error" in answer:
        raise ValueError(answer["error"]["message"])
    return answer["ok"]


def main(argv: Sequence[str] | None = None) -> int:
    """`SOCKET OP [WORD...]`; words of `settings` are NAME=VALUE."""
    arguments = argparse.ArgumentParser(
        prog="python -m trueup_reference.mock_worker.control", description="Tells a running mock worker what to do."
    )
    arguments.add_argument("socket", type=Path, help="as --control named it")
    arguments.add_argument("op", choices=OPERATIONS)
    arguments.add_argument("words", nargs="*", help="of fail: as --fail takes them; of settings: NAME=VALUE")
    args = arguments.parse_args(argv)
    said: dict[str, Any] = {"op": args.op}
    try:
        if args.op == "fail":
            said["fail"] = args.words
        elif args.op == "settings":
            said["settings"] = dict(map(_setting, args.words))
        sys.stdout.write(msgspec.json.encode(say(args.socket, said)).decode() + "\n")
    except (OSError, ValueError) as error:
        sys.stderr.write(f"mock_worker: {args.socket}: {error}\n")
        return 2
    return 0


def _setting(word: str) -> tuple[str, float]:
    name, _, value = word.partition("=")
    try:
        return name, float(value)
    except ValueError:
        raise ValueError(f"{word!r} is no setting: NAME=VALUE with a number is due") from None


def _clear(path: Path) -> None:
    """Removes what a worker that was killed has left."""
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise OSError(f"{path} is there, and no socket")
        with socket.socket(socket.AF_UNIX) as asking:
            asking.settimeout(1)
            try:
                asking.connect(str(path))
            except ConnectionRefusedError:
                path.unlink()
            else:
                raise OSError(f"{path}: another worker listens there")


def _error(code: str, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message}}


if __name__ == "__main__":
    sys.exit(main())
