"""Who serves which namespace: a static file that is watched, or etcd."""

from trueup_reference.router.discovery.entries import (
    SCHEMES,
    DiscoveryError,
    WorkerEntry,
    read_entry,
    read_file,
    written_file,
)
from trueup_reference.router.discovery.file import FileDiscovery
from trueup_reference.router.discovery.interface import Discovery, StaticDiscovery
from trueup_reference.router.discovery.opening import open_discovery

__all__ = [
    "SCHEMES",
    "Discovery",
    "DiscoveryError",
    "FileDiscovery",
    "StaticDiscovery",
    "WorkerEntry",
    "open_discovery",
    "read_entry",
    "read_file",
    "written_file",
]
