"""Where reports go: the standard output, or a file that a checked repository must not be able to redirect."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TextIO

from trueup.errors import UsageError


def to_stream(stream: TextIO, content: str, *, text: bool) -> None:
    """Writes to the standard output.

    Text for people is written in the stream's own encoding, what that lacks as backslash escapes;
    what tools read is UTF-8 whatever the locale.
    """
    buffer = getattr(stream, "buffer", None)
    if text or buffer is None:
        encoding = stream.encoding or "utf-8"
        stream.write(content.encode(encoding, "backslashreplace").decode(encoding))
        return
    stream.flush()
    buffer.write(content.encode("utf-8", "backslashreplace"))
    buffer.flush()


def to_file(file: str, content: str, *, root: str) -> None:
    """Writes a report, making the folders that it needs.

    Inside the checked repository no symlink is followed: a hostile one could have tracked
    `report.html` as a symlink to a file of the user's.
    """
    absolute = os.path.abspath(file)
    top = os.path.abspath(root)
    if absolute.startswith(top.rstrip(os.sep) + os.sep):
        beneath = os.path.relpath(absolute, top)
        if os.path.realpath(absolute) != os.path.join(os.path.realpath(top), beneath):
            raise UsageError(f"the report {file!r} is not written: its path in the repository goes through a symlink")
    try:
        Path(absolute).parent.mkdir(parents=True, exist_ok=True)
        Path(absolute).write_bytes(content.encode("utf-8", "backslashreplace"))
    except (OSError, ValueError) as error:
        raise UsageError(f"the report {file!r} cannot be written: {_cause(error)}") from error


def _cause(error: OSError | ValueError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
