"""Which workers there are: the discovery file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

PHASES = ("prefill", "decode", "agg")
FIELDS = {"id", "namespace", "phase", "url"}


def read(path: Path) -> list[tuple[str, str, str]]:
    """Id, namespace and URL of each. `ValueError` for a file that is wrong anywhere."""
    found = json.loads(path.read_bytes())
    if not isinstance(found, dict) or found.get("version") != 1 or not isinstance(found.get("workers"), list):
        raise ValueError(f"{path}: version 1 with a list of workers is due")
    if found.keys() - {"version", "workers"}:
        raise ValueError(f"{path}: {', '.join(found.keys() - {'version', 'workers'})} means nothing here")
    entries = list(_entries(path, found["workers"]))
    if len({(identity, namespace) for identity, namespace, _ in entries}) < len(entries):
        raise ValueError(f"{path}: two workers of a namespace have the same id")
    return entries


def _entries(path: Path, workers: list[Any]) -> Iterator[tuple[str, str, str]]:
    for worker in workers:
        match worker:
            case {"id": str(identity), "namespace": str(namespace), "phase": str(phase), "url": str(url)}:
                is_whole = identity and namespace and phase in PHASES and worker.keys() == FIELDS
                parts = urlsplit(url)
                if is_whole and parts.scheme == "http" and parts.hostname and parts.port is not None:
                    yield identity, namespace, url
                    continue
        raise ValueError(f"{path}: {worker} is no worker: id, namespace, phase and an http url are due")
