"""Which URLs can be asked."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit

from trueup_contracts.errors import TargetError

PORTS = {"http": 80, "https": 443}


def parsed(url: str) -> SplitResult:
    """The parts of a URL of a service. `TargetError` for one that cannot be asked, with no password in its message."""
    shown = re.sub(r"//[^/]*@", "//…@", url)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise TargetError(f"{shown!r} is no URL: {error}") from error
    if "@" in parts.netloc:
        raise TargetError(f"{shown!r}: a URL with a user's name is not taken: it would stand in every report")
    if parts.scheme not in PORTS or not parts.hostname or port == 0 or re.search(r"[^!-~]", url):
        raise TargetError(f"{shown!r} is no URL that can be asked", "write http://HOST:PORT/PATH")
    if parts.fragment:
        raise TargetError(f"{shown!r}: a fragment is not sent to a service", f"write {shown.partition('#')[0]}")
    return parts
