"""What the commands `snapshot` and `diff` take: an exposition from anywhere, or a policy."""

from __future__ import annotations

import os
from collections.abc import Iterable

from trueup.errors import UsageError
from trueup.metrics.exposition.exposition import Data, Exposition, read_exposition
from trueup.metrics.exposition.opening import opened, strange
from trueup.metrics.policy import Policy, PolicySet, load_policy
from trueup.metrics.policy.deriving import derive
from trueup.metrics.scraping import NoAnswer, refuse_url, scrape, shown_url

# A fault of these rules says that the names are not to be trusted.
_LOOKS_FINE = frozenset({"missing-newline", "unordered-timestamps", "no-samples"})


def read_any(name: str, *, timeout_s: float, limit_bytes: int, redirects: bool) -> Exposition:
    """The exposition of a file, of standard input (`-`) or of an endpoint."""
    if "://" in name:
        refuse_url(name)
        try:
            answer = scrape(name, "*/*", timeout_s=timeout_s, limit_bytes=limit_bytes, redirects=redirects)
        except NoAnswer as error:
            raise UsageError(f"{shown_url(name)}: {error}") from error
        if answer.status != 200:
            raise UsageError(f"{shown_url(name)}: it answers with status {answer.status}")
        return _read(shown_url(name), answer.body, "openmetrics" in answer.content_type.lower() or None)
    with opened(name, limit_bytes) as data:
        return _read(name, data, None)


def _read(name: str, data: Data, openmetrics: bool | None) -> Exposition:
    why = strange(data)
    if why is not None:
        raise UsageError(f"{name} is no exposition: {why[0]}", hint=why[1])
    found = read_exposition(data, PolicySet([]), openmetrics=openmetrics, lint=False)
    faults = [fault for fault in found.faults if fault.rule not in _LOOKS_FINE]
    if faults:
        first = faults[0]
        raise UsageError(
            f"{name}:{first.line}:{first.column}: {first.message} [metrics/{first.rule}]",
            hint=f"all its faults: trueup metrics {name}",
        )
    return found


def policy_of(name: str, *, timeout_s: float, limit_bytes: int, redirects: bool) -> Policy:
    """A policy: built in, from a YAML file, or derived from an exposition."""
    if name.startswith("builtin:") or name.lower().endswith((".yaml", ".yml", ".json")):
        return load_policy(name, _bytes)
    found = read_any(name, timeout_s=timeout_s, limit_bytes=limit_bytes, redirects=redirects)
    return derive(title(name), found.families.values())


def title(name: str, families: Iterable[str] = ()) -> str:
    """What a derived policy is called."""
    if name == "-":
        return "snapshot"
    base = os.path.basename(shown_url(name).rstrip("/")) if "://" not in name else shown_url(name)
    return base.removesuffix(".prom").removesuffix(".txt")[:100] or "snapshot"


def _bytes(name: str) -> bytes | None:
    from trueup.config.load import read_file
    from trueup.metrics.policy.loading import MAX_BYTES

    return read_file(name, name, limit_bytes=MAX_BYTES)
