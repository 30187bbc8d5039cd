"""What was said over the wire, a JSON object a line: written as it happens, so that a killed run leaves it too."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from trueup_contracts.errors import TargetError


class Transcript:
    """The lines of one implementation. Nothing is written where no file was asked for."""

    def __init__(self, path: Path | None, implementation: str) -> None:
        """Appends to the file, which the session has emptied."""
        self._implementation = implementation
        self._file: IO[str] | None = None
        if path is not None:
            try:
                self._file = path.open("a", encoding="utf-8", buffering=1)
            except OSError as error:
                raise TargetError(f"{path}: the transcript cannot be written: {error.strerror}") from error

    def add(self, entry: Mapping[str, Any]) -> None:
        """One entry: `started`, `test`, `sent`, `received` or `died`."""
        if self._file is not None:
            self._file.write(json.dumps({"implementation": self._implementation, **entry}) + "\n")

    def close(self) -> None:
        """No more is written."""
        if self._file is not None:
            self._file.close()
            self._file = None


def exchange(sent: Mapping[str, Any], received: Mapping[str, Any] | None) -> list[str]:
    """The lines of one request and its reply, for people to replay."""
    lines = [json.dumps({"sent": sent})]
    return lines if received is None else [*lines, json.dumps({"received": received})]
