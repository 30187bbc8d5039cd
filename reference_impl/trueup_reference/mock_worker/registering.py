"""How a worker makes itself known: in a discovery file, or in etcd under a lease."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Protocol

from trueup_reference.router.discovery import DiscoveryError, WorkerEntry, read_entry, read_file, written_file

logger = logging.getLogger("trueup_reference.mock_worker")


class Registered(Protocol):
    """A worker that is known, or tries to be."""

    async def start(self) -> None:
        """`DiscoveryError` or `OSError` where it can never be."""

    async def close(self) -> None:
        """Takes it back. A second call does nothing."""


class FileRegistration:
    """An entry in a discovery file that several workers write to; whoever is killed stays in it."""

    def __init__(self, path: Path, entry: WorkerEntry) -> None:
        self._path = path
        self._entry = entry
        self._is_in = False

    async def start(self) -> None:
        """In the place of an entry of the same name."""
        await asyncio.to_thread(self._change, lambda others: [*others, self._entry], False)
        self._is_in = True

    async def close(self) -> None:
        """Unless another has taken its name meanwhile; a file that is gone or wrong is left, with a line in the log."""
        if self._is_in:
            self._is_in = False
            try:
                await asyncio.to_thread(self._change, lambda others: others, True)
            except (DiscoveryError, OSError) as error:
                # What is under way must not suffer from it.
                logger.warning(
                    "deregistration_failed namespace=%s id=%s %s", self._entry.namespace, self._entry.id, error
                )

    def _change(self, change: Callable[[list[WorkerEntry]], list[WorkerEntry]], if_in: bool) -> None:
        with _locked(self._path):
            try:
                before = read_file(self._path.read_bytes(), str(self._path))
            except FileNotFoundError:
                before = ()
            if if_in and self._entry not in before:
                return
            name = (self._entry.namespace, self._entry.id)
            after = change([one for one in before if (one.namespace, one.id) != name])
            _replace(self._path, written_file(after))


class EtcdRegistration:
    """A key of etcd; etcd may be away, and the worker serves meanwhile."""

    def __init__(self, address: str, entry: WorkerEntry, environment: Mapping[str, str]) -> None:
        """`ValueError` where the address, or a variable, cannot be obeyed."""
        from trueup_reference.etcd import EtcdClient, EtcdSettings, Registration

        settings = EtcdSettings.read(address, environment)
        self._client = EtcdClient(settings)
        key = settings.worker_key(entry.namespace, entry.id)
        self._registration = Registration(self._client, key, entry.written())

    async def start(self) -> None:
        """Goes on in the background."""
        self._registration.start()

    async def close(self) -> None:
        """At once where etcd answers; else the lease ends by itself."""
        await self._registration.close()
        await self._client.close()


def registration(where: str, entry: WorkerEntry, environment: Mapping[str, str] = os.environ) -> Registered:
    """`where`: a file's path, or etcd://HOST:PORT[,HOST:PORT...]/DEPLOYMENT. `ValueError` for anything else."""
    read_entry(entry.written(), "this worker")
    scheme, found, _ = where.partition("://")
    if not found:
        return FileRegistration(Path(where), entry)
    if scheme not in ("etcd", "etcds"):
        raise DiscoveryError(f"{where!a}: a file's path, or etcd://HOST:PORT[,HOST:PORT...]/DEPLOYMENT, is due")
    return EtcdRegistration(where, entry, environment)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One writer at a time. The lock is a file beside it: the file itself is replaced."""
    import fcntl  # not on Windows, where a worker that does not register needs none

    with open(path.with_name(path.name + ".lock"), "ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _replace(path: Path, text: bytes) -> None:
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        try:
            file.write(text)
            file.flush()
            os.fchmod(file.fileno(), 0o644)
            os.replace(file.name, path)
        except BaseException:
            os.unlink(file.name)
            raise
