"""Who serves which namespace: a static file that is watched, or etcd."""

from trueup_reference.router.discovery.entries import (
    NAME,
    SCHEMES,
    DiscoveryError,
    WorkerEntry,
    read_entry,
    read_file,
    written_file,
)
from trueup_reference.router.discovery.interface import Discovery, StaticDiscovery

__all__ = [
    "NAME",
    "SCHEMES",
    "Discovery",
    "DiscoveryError",
    "StaticDiscovery",
    "WorkerEntry",
    "read_entry",
    "read_file",
    "written_file",
]
