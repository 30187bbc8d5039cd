"""A worker's entry, as it stands in a discovery file and under a key of etcd."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Annotated
from urllib.parse import urlsplit

import msgspec

from trueup_reference.worker_protocol import Phase

VERSION = 1
MOST_BYTES = 16 << 20  # of a file, which is 100,000 workers
MOST_ENTRY_BYTES = 64 << 10
SCHEMES = ("http", "https", "zmq+tcp")
MOST_NAME = 255  # characters of a worker's id, and of a namespace's
_URL_DUE = "http://HOST:PORT, https://HOST:PORT or zmq+tcp://HOST:PORT is due"
_NAME = re.compile(r"[^\s/]+")

_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=2048)]


class DiscoveryError(ValueError):
    """What was read is no list of workers, or no entry; the text says where, why, and what is due."""


class WorkerEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One worker. `url` says how it is spoken to by its scheme."""

    id: _Text
    namespace: _Text
    phase: Phase
    url: _Text

    def written(self) -> bytes:
        """As JSON."""
        return msgspec.json.encode(self)


class _File(msgspec.Struct, frozen=True, kw_only=True):
    version: int
    workers: list[WorkerEntry]


def read_entry(text: bytes, where: str) -> WorkerEntry:
    """The entry of a key. `DiscoveryError` names `where`; fields that are not known are let pass."""
    if len(text) > MOST_ENTRY_BYTES:
        raise DiscoveryError(f"{where}: {len(text):,} bytes; {MOST_ENTRY_BYTES:,} are the most")
    try:
        entry = msgspec.json.decode(text, type=WorkerEntry)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DiscoveryError(f"{where}: {error}") from error
    _check(entry, where)
    return entry


def read_file(text: bytes, where: str) -> tuple[WorkerEntry, ...]:
    """The entries of a discovery file, in its order. `DiscoveryError` names the file and the place in it."""
    if len(text) > MOST_BYTES:
        raise DiscoveryError(f"{where}: {len(text):,} bytes; {MOST_BYTES:,} are the most")
    try:
        read = msgspec.json.decode(text, type=_File)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DiscoveryError(f"{where}: {error}") from error
    if read.version != VERSION:
        raise DiscoveryError(f"{where}: version is {read.version}; {VERSION} is known - at `$.version`")
    places: dict[tuple[str, str], int] = {}
    for place, entry in enumerate(read.workers):
        _check(entry, where, f" - at `$.workers[{place}]`")
        first = places.setdefault((entry.namespace, entry.id), place)
        if first != place:
            raise DiscoveryError(
                f"{where}: {entry.id!a} is twice in {entry.namespace!a}, at `$.workers[{first}]` too; "
                f"an id names one worker of a namespace - at `$.workers[{place}]`"
            )
    return tuple(read.workers)


def written_file(entries: Iterable[WorkerEntry]) -> bytes:
    """A discovery file's text; whoever writes it renames it into place."""
    return msgspec.json.format(msgspec.json.encode({"version": VERSION, "workers": list(entries)}), indent=2) + b"\n"


def by_namespace(entries: Iterable[WorkerEntry]) -> Mapping[str, tuple[WorkerEntry, ...]]:
    """Each namespace's workers, by id: whatever the source, the order is one."""
    found: dict[str, list[WorkerEntry]] = {}
    for entry in entries:
        found.setdefault(entry.namespace, []).append(entry)
    return MappingProxyType({name: tuple(sorted(found[name], key=lambda one: one.id)) for name in sorted(found)})


def _check(entry: WorkerEntry, where: str, place: str = "") -> None:
    for what, name in (("namespace", entry.namespace), ("id", entry.id)):
        if not _NAME.fullmatch(name) or not name.isprintable() or len(name) > MOST_NAME:
            raise DiscoveryError(
                f"{where}: {what} is {name[:80]!a}; a name of at most {MOST_NAME} characters without white space "
                f"and / is due{place}"
            )
    try:
        url = urlsplit(entry.url)
        well = url.scheme in SCHEMES and bool(url.hostname) and url.port != 0
        well = well and not (url.username or url.password or url.query or url.fragment)
        well = well and (url.scheme != "zmq+tcp" or (url.port is not None and url.path in ("", "/")))
    except ValueError:
        well = False
    if not well or not entry.url.isascii() or any(each.isspace() for each in entry.url):
        raise DiscoveryError(f"{where}: url is {entry.url[:200]!a}; {_URL_DUE}{place}")
