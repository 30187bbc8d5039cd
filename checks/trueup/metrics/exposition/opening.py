"""Bytes of an exposition, from wherever they come, as something that can be searched without being copied."""

from __future__ import annotations

import contextlib
import mmap
import os
import re
import stat
import sys
import tempfile
from collections.abc import Iterator
from typing import BinaryIO

from trueup.errors import UsageError
from trueup.metrics.exposition.exposition import Data

STDIN = "-"
_JSON = re.compile(rb'\s*(?:\[\s*)?\{\s*"[^"\\\n]{0,200}"\s*:')
_HTML = (b"<!doctype", b"<html", b"<?xml")


@contextlib.contextmanager
def opened(name: str, limit_bytes: int) -> Iterator[Data]:
    """The bytes of a file, or of standard input for `-`. `UsageError` for one that cannot be read."""
    if name == STDIN:
        stream = sys.stdin.buffer
        if stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            with _mapped(stream, "standard input", limit_bytes) as data:
                yield data
        else:
            # Not into memory: an exposition is read in that of its largest family.
            with tempfile.TemporaryFile() as spool:
                _copy(stream, spool, limit_bytes)
                with _mapped(spool, "standard input", limit_bytes) as data:
                    yield data
        return
    with contextlib.ExitStack() as stack:
        try:
            file = stack.enter_context(open(name, "rb"))
        except OSError as error:
            raise UsageError(f"{name} cannot be read: {error.strerror}") from error
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise UsageError(f"{name} is not a regular file")
        yield stack.enter_context(_mapped(file, name, limit_bytes))


def strange(data: Data) -> tuple[str, str | None] | None:
    """Why these bytes are no exposition at all, and what to do; `None` where they may be one."""
    head = bytes(data[:65536])
    if head.startswith(b"\x1f\x8b"):
        return "it is gzip-compressed", "gunzip it first"
    if head.startswith(b"\x28\xb5\x2f\xfd"):
        return "it is zstd-compressed", "unzstd it first"
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "it is UTF-16", "save it as UTF-8"
    if head.startswith(b"\xef\xbb\xbf"):
        return "it begins with a byte-order mark", "save it as UTF-8 without one"
    if b"\0" in head:
        return f"it is binary: a zero byte at offset {head.index(0)}", None
    if head.lstrip()[:16].lower().startswith(_HTML):
        return "it is a web page", None
    if _JSON.match(head):
        return "it is JSON", None
    return None


@contextlib.contextmanager
def _mapped(file: BinaryIO, name: str, limit_bytes: int) -> Iterator[Data]:
    size = os.fstat(file.fileno()).st_size
    if size > limit_bytes:
        raise UsageError(f"{name} is larger than {limit_bytes} bytes", hint="--max-bytes N allows more")
    if size == 0:
        yield b""
        return
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        yield data


def _copy(stream: BinaryIO, spool: BinaryIO, limit_bytes: int) -> None:
    left = limit_bytes
    while piece := stream.read(1 << 20):
        left -= len(piece)
        if left < 0:
            raise UsageError(f"standard input is larger than {limit_bytes} bytes", hint="--max-bytes N allows more")
        spool.write(piece)
    spool.flush()
