"""What is asked by this suite without having its calls: a registry of prometheus-client, and a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from trueup_contracts.errors import TargetError
from trueup_contracts.metrics.calls import Answer
from trueup_contracts.metrics.reading import OPENMETRICS, TEXT

if TYPE_CHECKING:
    from trueup.metrics.policy import PolicySet

MOST_BYTES = 64 << 20


def adapted(found: Any) -> Any:
    """A registry of prometheus-client as an exporter; anything else as it is."""
    is_registry = hasattr(found, "collect") and hasattr(found, "restricted_registry")
    return RegistryExporter(found) if is_registry else found


class RegistryExporter:
    """What prometheus-client's own server answers for a registry: it chooses the encoder by the Accept header."""

    def __init__(self, registry: Any) -> None:
        self._registry = registry

    def scrape(self, accept: str | None) -> Answer:
        """The page; where the collection raises, status 500, as its WSGI server does."""
        from prometheus_client.exposition import choose_encoder

        try:
            encoder, content_type = choose_encoder(accept or "")
            return Answer(200, content_type, encoder(self._registry))
        except Exception as error:  # noqa: BLE001 - whatever a collector raises
            return Answer(500, "text/plain", f"{type(error).__name__}: {error}".encode())


class FileExporter:
    """The factory for a file of an exposition; each scrape reads it again, and gets all of it."""

    def __init__(self, path: Path) -> None:
        """`TargetError` for a file that is not there."""
        if not path.is_file():
            raise TargetError(f"file: {path} is no file")
        self.name = path.name
        self._path = path

    def __call__(self) -> FileExporter:
        """There is one only."""
        return self

    def scrape(self, accept: str | None) -> Answer:
        """The file, as what its last line says that it is."""
        if self._path.stat().st_size > MOST_BYTES:
            raise ValueError(f"{self._path} is larger than {MOST_BYTES} bytes")
        body = self._path.read_bytes()
        is_openmetrics = body.rstrip().endswith(b"# EOF")
        return Answer(200, f"{OPENMETRICS}; version=1.0.0" if is_openmetrics else f"{TEXT}; version=0.0.4", body)


def policy(text: str, root: Path) -> PolicySet:
    """The policy that the setting `contracts_metrics_policy` names: a file, or `builtin:NAME`."""
    from trueup.config.load import read_file
    from trueup.errors import ConfigError
    from trueup.metrics.policy import PolicySet, load_policy

    try:
        return PolicySet([load_policy(text, lambda name: read_file(str(root / name), name, limit_bytes=MOST_BYTES))])
    except ConfigError as error:
        raise TargetError(f"contracts_metrics_policy: {error}", getattr(error, "hint", None)) from error
