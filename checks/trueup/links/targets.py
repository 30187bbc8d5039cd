"""The normal form of a link's target, and its parts."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import unquote

# What pulldown-cmark's HTML renderer leaves as it is in `href` (its `HREF_SAFE` table): everything else,
# byte for byte of UTF-8, becomes %XX. An existing `%` stays, so the form is stable.
_UNSAFE = re.compile(rb"[^A-Za-z0-9\-_.~!*'();:@&=+$,/?#%]")
_UNSAFE_TEXT = re.compile(r"[^A-Za-z0-9\-_.~!*'();:@&=+$,/?#%]")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")


class Target(NamedTuple):
    """A relative target taken apart; `path` and `fragment` are percent-decoded."""

    path: str
    query: str
    fragment: str | None


def is_normal(destination: str) -> bool:
    """Whether a destination is its own normal form."""
    return _UNSAFE_TEXT.search(destination) is None


def normalise(destination: str) -> str:
    """The normal form of a destination (entities and backslash escapes already resolved)."""
    if is_normal(destination):
        return destination
    raw = destination.encode("utf-8", "surrogatepass")
    return _UNSAFE.sub(lambda found: b"%%%02X" % found[0][0], raw).decode("ascii")


def has_scheme(target: str) -> bool:
    """Whether a target is absolute: `https:…`, `mailto:…`, or `//host/…`."""
    return target.startswith("//") or _SCHEME.match(target) is not None


def split(target: str) -> Target:
    """Takes a relative target apart. Undecodable percent escapes become surrogate escapes."""
    rest, hash_, fragment = target.partition("#")
    path, _, query = rest.partition("?")
    if "%" in path:
        path = unquote(path, errors="surrogateescape")
    if "%" in fragment:
        fragment = unquote(fragment, errors="surrogateescape")
    return Target(path, query, fragment if hash_ else None)
