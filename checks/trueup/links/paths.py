"""Path arithmetic on repository paths: `/` only, no disk."""

from __future__ import annotations

import re
from urllib.parse import quote

_SPECIAL = re.compile(r"(?:^|/)\.{0,2}(?:/|$)")
# What may stand in a Markdown destination as it is; the rest is percent-encoded.
_AS_IS = "/-._~!*';:@&=+$,"


def join(folder: str, relative: str) -> tuple[str, int]:
    """`relative` seen from `folder`, and how many levels it climbs above the root (0: inside).

    A slash at the end is dropped; empty and `.` segments vanish. When it climbs above the root, the path
    returned is what follows the climb.
    """
    whole = f"{folder}/{relative}" if folder else relative
    if _SPECIAL.search(whole) is None:
        return whole, 0
    kept: list[str] = []
    above = 0
    for segment in whole.split("/"):
        if segment in ("", "."):
            continue
        if segment == "..":
            if kept:
                kept.pop()
            else:
                above += 1
        else:
            kept.append(segment)
    return "/".join(kept), above


def relative_to(path: str, folder: str) -> str:
    """`path` as it is written in a file of `folder`, not yet encoded."""
    here = folder.split("/") if folder else []
    there = path.split("/") if path else []
    shared = 0
    while shared < len(here) and shared < len(there) and here[shared] == there[shared]:
        shared += 1
    written = "/".join([".."] * (len(here) - shared) + there[shared:]) or "."
    # `a:b.md` would be read as a URL with the scheme `a`.
    return f"./{written}" if ":" in written.partition("/")[0] else written


def encode(path: str) -> str:
    """A path as it is written in a link."""
    return quote(path, safe=_AS_IS, errors="surrogateescape")
