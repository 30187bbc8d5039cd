"""etcd, by its own JSON gateway: what discovery and registration need of it."""

from trueup_reference.etcd.client import EtcdClient
from trueup_reference.etcd.errors import CompactedError, EtcdAwayError, EtcdError
from trueup_reference.etcd.messages import Event, KeyValue, Listed, Watched
from trueup_reference.etcd.registration import Registration
from trueup_reference.etcd.settings import EtcdSettings

__all__ = [
    "CompactedError",
    "EtcdAwayError",
    "EtcdClient",
    "EtcdError",
    "EtcdSettings",
    "Event",
    "KeyValue",
    "Listed",
    "Registration",
    "Watched",
]
