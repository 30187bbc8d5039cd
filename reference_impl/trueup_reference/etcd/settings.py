"""Where etcd is, and as whom it is spoken to: the address in one text, secrets in the environment or in files."""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

SCHEMES = ("etcd", "etcds")
DUE = "etcd://HOST:PORT[,HOST:PORT...]/DEPLOYMENT (etcds:// with TLS) is due"
DEFAULT_PORT = 2379
VARIABLES = {
    "TRUEUP_ETCD_CA": "file of the certificates that etcd's is signed by; left out: the system's",
    "TRUEUP_ETCD_CERT": "file of the certificate that is shown to etcd",
    "TRUEUP_ETCD_KEY": "file of its key",
    "TRUEUP_ETCD_USER": "user of etcd",
    "TRUEUP_ETCD_PASSWORD": "the user's password",
    "TRUEUP_ETCD_PASSWORD_FILE": "file of the user's password, in place of it",
    "TRUEUP_ETCD_TTL_S": "seconds that a worker's lease lasts without its keep-alives (10)",
}
_DEPLOYMENT = re.compile(r"[A-Za-z0-9_.-]{1,128}")


@dataclass(frozen=True, kw_only=True)
class EtcdSettings:
    """`ttl_s`: of the workers' leases, which are kept alive at a third of it. `timeout_s`: of one call to one endpoint.

    `password` is never shown, nor is it in a log.
    """

    endpoints: tuple[str, ...]  # http://HOST:PORT or https://HOST:PORT, tried in this order
    deployment: str
    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None
    user: str | None = None
    password: str | None = None
    ttl_s: int = 10
    timeout_s: float = 2.0

    def __post_init__(self) -> None:
        """`ValueError` for what cannot be."""
        if not _DEPLOYMENT.fullmatch(self.deployment):
            raise ValueError(f"the deployment is {self.deployment[:80]!a}: letters, digits and _ . - are due")
        if not self.endpoints:
            raise ValueError(f"no endpoint of etcd: {DUE}")
        if not 1 <= self.ttl_s <= 3600:
            raise ValueError(f"the TTL is {self.ttl_s} s: 1 to 3,600 are due")
        if (self.cert is None) != (self.key is None):
            raise ValueError("a certificate towards etcd and its key are given together")
        if (self.user is None) != (self.password is None):
            raise ValueError("etcd's user and password are given together")
        if self.user is not None and not self.has_tls and not all(map(_is_loopback, self.endpoints)):
            raise ValueError("a password would go to etcd in the clear: use etcds://")

    def __repr__(self) -> str:
        """Without the password."""
        return f"EtcdSettings({','.join(self.endpoints)}, {self.deployment!r}, user={self.user!r})"

    @property
    def has_tls(self) -> bool:
        """Whether all that is said is encrypted."""
        return all(each.startswith("https:") for each in self.endpoints)

    @property
    def keep_alive_s(self) -> float:
        """Between two keep-alives."""
        return self.ttl_s / 3

    @property
    def prefix(self) -> str:
        """Of the keys of all workers."""
        return f"/trueup/{self.deployment}/workers/"

    def worker_key(self, namespace: str, worker: str) -> str:
        """The key of one."""
        return f"{self.prefix}{namespace}/{worker}"

    def ssl_context(self) -> ssl.SSLContext | None:
        """`ValueError` names the file that cannot be had."""
        if not self.has_tls:
            return None
        try:
            context = ssl.create_default_context(cafile=None if self.ca is None else str(self.ca))
        except OSError as error:
            raise ValueError(f"{self.ca}: no certificates: {error.strerror or error}") from error
        if self.cert is not None and self.key is not None:
            try:
                # Without a password a key that has one would be asked for at the terminal.
                context.load_cert_chain(self.cert, self.key, password="")
            except OSError as error:
                raise ValueError(f"{self.cert}, {self.key}: no pair: {error.strerror or error}") from error
        return context

    @classmethod
    def read(cls, text: str, environment: Mapping[str, str] = os.environ) -> EtcdSettings:
        """From `etcd://HOST:PORT[,...]/DEPLOYMENT` and the variables above. `ValueError` says what is wrong."""
        url = urlsplit(text)
        if url.scheme not in SCHEMES or url.query or url.fragment:
            raise ValueError(f"{text!a} is no address of etcd: {DUE}")
        if "@" in url.netloc:
            raise ValueError("etcd's user and password do not belong in an address: set TRUEUP_ETCD_USER")
        given = {name: value for name in VARIABLES if (value := environment.get(name))}
        has_tls = url.scheme == "etcds"
        for name in ("TRUEUP_ETCD_CA", "TRUEUP_ETCD_CERT", "TRUEUP_ETCD_KEY"):
            if name in given and not has_tls:
                raise ValueError(f"{name} is set, and {text!a} has no TLS: write it as etcds://")
        ca, cert, key = (
            Path(given[name]) if name in given else None
            for name in ("TRUEUP_ETCD_CA", "TRUEUP_ETCD_CERT", "TRUEUP_ETCD_KEY")
        )
        try:
            ttl_s = int(given.get("TRUEUP_ETCD_TTL_S", "10"))
        except ValueError:
            raise ValueError(f"TRUEUP_ETCD_TTL_S is {given['TRUEUP_ETCD_TTL_S']!a}: whole seconds are due") from None
        return cls(
            endpoints=tuple(_endpoint(each, has_tls) for each in url.netloc.split(",")),
            deployment=unquote(url.path.strip("/")),
            ca=ca,
            cert=cert,
            key=key,
            user=given.get("TRUEUP_ETCD_USER"),
            password=_password(given),
            ttl_s=ttl_s,
        )


def _endpoint(text: str, has_tls: bool) -> str:
    scheme = "https" if has_tls else "http"
    try:
        url = urlsplit(f"{scheme}://{text}")
        host, port = url.hostname, url.port or DEFAULT_PORT
    except ValueError:
        host = None
    if not host or any(each.isspace() for each in text):
        raise ValueError(f"{text!a} is no HOST:PORT of etcd: {DUE}")
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"


def _password(given: Mapping[str, str]) -> str | None:
    path = given.get("TRUEUP_ETCD_PASSWORD_FILE")
    if path is None:
        return given.get("TRUEUP_ETCD_PASSWORD")
    if "TRUEUP_ETCD_PASSWORD" in given:
        raise ValueError("TRUEUP_ETCD_PASSWORD and TRUEUP_ETCD_PASSWORD_FILE are both set: one of them is due")
    try:
        return Path(path).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: no password can be read: {error}") from error


def _is_loopback(endpoint: str) -> bool:
    host = urlsplit(endpoint).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")
