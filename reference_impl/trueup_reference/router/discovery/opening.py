"""The discovery that a command line names."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Mapping

from trueup_reference.router.discovery.entries import DiscoveryError
from trueup_reference.router.discovery.file import FileDiscovery
from trueup_reference.router.discovery.interface import Discovery


def open_discovery(
    text: str, probe: Callable[[str], Awaitable[bool]], environment: Mapping[str, str] = os.environ
) -> Discovery:
    """`FILE`, or `etcd://HOST:PORT[,HOST:PORT...]/DEPLOYMENT`; nothing is read yet.

    `probe` says whether a worker's URL answers `/health`. `DiscoveryError` for what cannot be obeyed.
    """
    scheme, found, _ = text.partition("://")
    if not found:
        return FileDiscovery(text)
    if scheme not in ("etcd", "etcds"):
        raise DiscoveryError(f"{text!a}: a file's path, or etcd://HOST:PORT[,HOST:PORT...]/DEPLOYMENT, is due")
    from trueup_reference.etcd import EtcdSettings
    from trueup_reference.router.discovery.etcd import EtcdDiscovery

    try:
        return EtcdDiscovery(EtcdSettings.read(text, environment), probe)
    except ValueError as error:
        raise DiscoveryError(str(error)) from error
