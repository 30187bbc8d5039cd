"""Brings the workers of a discovery file into etcd: for workers that cannot register by themselves, and for tests.

```console
$ python -m trueup_reference.router.discovery.mirroring workers.json etcd://127.0.0.1:2379/prod
```

Each entry is a key under a lease of its own, which is kept alive while this runs. An entry that leaves the file leaves
etcd at once. Behind `--`, a command that is started once all are there, is told SIGTERM, SIGINT and SIGHUP, and with
which this ends.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from trueup_reference.etcd import EtcdClient, EtcdSettings, Registration
from trueup_reference.router.discovery.entries import WorkerEntry
from trueup_reference.router.discovery.file import POLL_S, FileDiscovery


class Mirror:
    """From `start` to `close`, whatever the file says is in etcd: `async with Mirror(path, settings)`."""

    def __init__(self, path: Path | str, settings: EtcdSettings, *, poll_s: float = POLL_S) -> None:
        """`ValueError` where a certificate cannot be had."""
        self._discovery = FileDiscovery(path, poll_s=poll_s)
        self._client = EtcdClient(settings)
        self._settings = settings
        self._registrations: dict[WorkerEntry, Registration] = {}
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """`DiscoveryError` for a file that is missing or wrong. etcd may be away: it is tried on."""
        self._discovery.watch(self._changed.set)
        await self._discovery.start()
        self._task = asyncio.create_task(self._run(), name="mirror")

    async def close(self) -> None:
        """Takes all of it back. A second call does nothing."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await self._discovery.close()
        await asyncio.gather(*(one.close() for one in self._registrations.values()))
        self._registrations.clear()
        await self._client.close()

    async def registered(self) -> None:
        """Waits until all that the file says now is in etcd."""
        wanted = {entry for entries in self._discovery.workers.values() for entry in entries}
        while set(self._registrations) != wanted:
            await asyncio.sleep(0.001)
        await asyncio.gather(*(one.registered.wait() for one in self._registrations.values()))

    async def __aenter__(self) -> Self:
        """Started."""
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closed."""
        await self.close()

    async def _run(self) -> None:
        while True:
            wanted = {entry for entries in self._discovery.workers.values() for entry in entries}
            gone = [self._registrations.pop(entry) for entry in set(self._registrations) - wanted]
            # A changed entry is another lease on one key: the old one goes first, lest it takes the key along.
            await asyncio.gather(*(one.close() for one in gone))
            for entry in wanted - set(self._registrations):
                key = self._settings.worker_key(entry.namespace, entry.id)
                self._registrations[entry] = Registration(self._client, key, entry.written())
                self._registrations[entry].start()
            await self._changed.wait()
            self._changed.clear()


async def _mirror(path: Path, address: str, command: Sequence[str]) -> int:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    async with Mirror(path, EtcdSettings.read(address)) as mirror:
        if not command:
            await ended.wait()
            return 0
        await mirror.registered()
        process = await asyncio.create_subprocess_exec(*command)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.add_signal_handler(number, _hand_on, process, number)
        if ended.is_set():  # it came while the command was started
            _hand_on(process, signal.SIGTERM)
        return await process.wait()


def _hand_on(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    if process.returncode is None:
        process.send_signal(number)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs until SIGTERM or SIGINT, or the command's end, whose status it has; 2 for what cannot be obeyed."""
    arguments = argparse.ArgumentParser(
        prog="python -m trueup_reference.router.discovery.mirroring",
        description="Keeps the workers of a discovery file in etcd, each under a lease, until SIGTERM or SIGINT.",
    )
    arguments.add_argument("file", type=Path)
    arguments.add_argument("etcd", help="etcd://HOST:PORT[,HOST:PORT...]/DEPLOYMENT")
    arguments.add_argument("command", nargs="*", help="behind --: run while they are there")
    args = arguments.parse_args(argv)
    try:
        return asyncio.run(_mirror(args.file, args.etcd, args.command))
    except (ValueError, OSError) as error:
        sys.stderr.write(f"mirroring: {error}\n")
        return 2


if __name__ == "__main__":
    sys.exit(main())
