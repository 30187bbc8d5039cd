"""Records kept between runs: one file, under Git's own folder, never in the work tree.

The file is a 16-byte checksum and MessagePack. It is replaced whole (concurrent runs: the last one
wins, and each of them read a whole file), and a file that is damaged, foreign or of another version is
simply not used. A record is found by the digest of the bytes that were parsed; a path's digest is taken
from the last run only where the file's signature proves that its bytes did not change.
"""

from __future__ import annotations

import hashlib
import os
import time

import msgspec

from trueup import __version__
from trueup.links.records import EXTRACTOR_VERSION, Record
from trueup.links.spots import Spot
from trueup.repo import View
from trueup.repo.view import is_settled

_CHECKSUM_BYTES = 16
_MOST_BYTES = 256 << 20
# Records of other branches are worth keeping, but not for ever.
_MOST_RECORDS_UNUSED = 20_000

Signature = tuple[int, ...] | str


class _Contents(msgspec.Struct, array_like=True):
    version: str
    digests: dict[str, tuple[Signature, str]]
    lines: dict[str, tuple[Signature, int | None]]
    records: dict[str, Record]
    spots: dict[str, dict[str, list[Spot]]]


class Cache:
    """`path=None`: nothing is read or written."""

    def __init__(self, path: str | None, engine: str) -> None:
        self._path = path
        self._version = f"{__version__}/{EXTRACTOR_VERSION}/{engine}"
        self._old = self._load() or _Contents(self._version, {}, {}, {}, {})
        self._new = _Contents(self._version, {}, {}, {}, {})
        self._now_ns = time.time_ns()
        self.hits = 0

    def known_digest(self, path: str, signature: Signature | None) -> str | None:
        """The digest of a path's bytes, if they are proved unchanged."""
        held = self._old.digests.get(path)
        if held is None or signature is None or held[0] != signature:
            return None
        self._new.digests[path] = held
        return held[1]

    def learn_digest(self, path: str, signature: Signature | None, digest: str) -> None:
        """The digest of bytes just read; kept only where the signature will tell of a change."""
        if signature is not None and is_settled(signature, self._now_ns) and _is_text(path):
            self._new.digests[path] = (signature, digest)

    def record(self, digest: str, flavour: str) -> Record | None:
        """What is known of these bytes."""
        key = f"{digest}{flavour}"
        found = self._new.records.get(key)
        if found is None and (found := self._old.records.get(key)) is not None:
            self._new.records[key] = found
            self.hits += 1
        return found

    def learn_record(self, digest: str, flavour: str, record: Record) -> None:
        """What was found in bytes just parsed."""
        self._new.records[f"{digest}{flavour}"] = record

    def spots(self, digest: str, flavour: str) -> dict[str, list[Spot]] | None:
        """Where targets stand in these bytes, as far as anybody asked."""
        key = f"{digest}{flavour}"
        found = self._new.spots.get(key)
        if found is None and (found := self._old.spots.get(key)) is not None:
            self._new.spots[key] = found
        return found

    def learn_spots(self, digest: str, flavour: str, spots: dict[str, list[Spot]]) -> None:
        """Where targets stand in these bytes."""
        self._new.spots[f"{digest}{flavour}"] = spots

    def known_lines(self, path: str, signature: Signature | None) -> tuple[bool, int | None]:
        """Whether the number of lines is known, and it."""
        held = self._old.lines.get(path)
        if held is None or signature is None or held[0] != signature:
            return False, None
        self._new.lines[path] = held
        return True, held[1]

    def learn_lines(self, path: str, signature: Signature | None, count: int | None) -> None:
        """The number of lines of a file just read."""
        if signature is not None and is_settled(signature, self._now_ns) and _is_text(path):
            self._new.lines[path] = (signature, count)

    def save(self) -> None:
        """Writes what this run used, and the newest of what it did not; nothing when nothing changed."""
        if self._path is None:
            return
        old, new = self._old, self._new
        if not (
            new.digests.keys() - old.digests.keys()
            or new.records.keys() - old.records.keys()
            or new.lines.keys() - old.lines.keys()
            or any(old.spots.get(key) is not spots for key, spots in new.spots.items())
            or any(old.digests[path] != held for path, held in new.digests.items())
            or any(old.lines[path] != held for path, held in new.lines.items())
        ):
            return
        unused = [key for key in old.records if key not in new.records][:_MOST_RECORDS_UNUSED]
        kept = _Contents(
            self._version, new.digests, new.lines, new.records | {key: old.records[key] for key in unused}, new.spots
        )
        data = msgspec.msgpack.encode(kept)
        if len(data) > _MOST_BYTES:
            data = msgspec.msgpack.encode(new)
        if len(data) <= _MOST_BYTES:
            _replace(self._path, _checksum(data) + data)

    def _load(self) -> _Contents | None:
        if self._path is None:
            return None
        try:
            with open(self._path, "rb") as file:
                if os.fstat(file.fileno()).st_size > _MOST_BYTES + _CHECKSUM_BYTES:
                    return None
                data = file.read()
        except OSError:
            return None
        body = memoryview(data)[_CHECKSUM_BYTES:]
        if data[:_CHECKSUM_BYTES] != _checksum(body):
            return None
        try:
            contents = msgspec.msgpack.decode(body, type=_Contents)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        return contents if contents.version == self._version else None


def place(view: View) -> str | None:
    """Where a view's cache lies; outside Git, in the user's cache folder, named by the root."""
    if view.git_dir is not None:
        return os.path.join(view.git_dir, "trueup", "links.cache")
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    name = hashlib.blake2b(os.fsencode(view.root), digest_size=12).hexdigest()
    return os.path.join(base, "trueup", f"links-{name}.cache")


def _is_text(path: str) -> bool:
    """MessagePack has no form for the surrogate escapes of paths that are not UTF-8: those are read every time."""
    return path.isascii() or not any("\ud800" <= char <= "\udfff" for char in path)


def digest(data: bytes) -> str:
    """The key of some bytes."""
    return hashlib.sha256(data).hexdigest()[:32]


def _checksum(data: bytes | memoryview) -> bytes:
    # Processors have instructions for this hash: it is twice as fast as those made for speed.
    return hashlib.sha256(data).digest()[:_CHECKSUM_BYTES]


def _replace(path: str, data: bytes) -> None:
    """Writes beside, then renames. A cache that cannot be written (a read-only clone) is no fault."""
    beside = f"{path}.{os.getpid()}"
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(beside, "wb") as file:
            file.write(data)
        os.replace(beside, path)
    except OSError:
        try:
            os.unlink(beside)
        except OSError:
            return
