"""CURVE: keys in Z85, texts of 40 characters, and the files that the command `keys` writes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import zmq
from zmq.utils import z85

from trueup_reference.event_transport.errors import SettingError


class ServerKeys(NamedTuple):
    """What a publisher, or a broker, has: its secret, and the public keys that it lets in."""

    secret_key: str
    allowed_client_keys: tuple[str, ...]

    def apply(self, socket: zmq.Socket[Any]) -> None:
        """Before the socket binds."""
        socket.curve_secretkey = self.secret_key.encode()
        socket.curve_publickey = zmq.curve_public(self.secret_key.encode())
        socket.curve_server = True
        socket.zap_domain = b"trueup"


class ClientKeys(NamedTuple):
    """What a subscriber has: its secret, and the public key of the server that it trusts."""

    secret_key: str
    server_key: str

    def apply(self, socket: zmq.Socket[Any]) -> None:
        """Before the socket connects."""
        socket.curve_secretkey = self.secret_key.encode()
        socket.curve_publickey = zmq.curve_public(self.secret_key.encode())
        socket.curve_serverkey = self.server_key.encode()


def server_keys(secret_key: str | None, allowed_client_keys: Sequence[str] | None) -> ServerKeys | None:
    """Both, or neither. A server without a list would let anybody in, so a list is due."""
    if secret_key is None and allowed_client_keys is None:
        return None
    if secret_key is None or allowed_client_keys is None or isinstance(allowed_client_keys, str):
        raise SettingError(
            "server_secret_key and allowed_client_keys (a list) are given together: CURVE alone lets anybody in"
        )
    _has_curve()
    allowed = tuple(_key("allowed_client_keys", key) for key in allowed_client_keys)
    return ServerKeys(_key("server_secret_key", secret_key), allowed)


def client_keys(server_key: str | None, secret_key: str | None) -> ClientKeys | None:
    """Both, or neither."""
    if server_key is None and secret_key is None:
        return None
    if server_key is None or secret_key is None:
        raise SettingError("server_key and client_secret_key are given together")
    _has_curve()
    return ClientKeys(_key("client_secret_key", secret_key), _key("server_key", server_key))


def write_keys(folder: Path, name: str) -> tuple[Path, Path]:
    """A new pair as NAME.key (public) and NAME.key_secret, which its owner alone can read. Never over old ones."""
    from zmq.auth import create_certificates

    _has_curve()
    if not name or name != Path(name).name or name.startswith("."):
        raise SettingError(f"{name!r} is no name for a file")
    folder.mkdir(parents=True, exist_ok=True)
    for ending in ("key", "key_secret"):
        if os.path.lexists(folder / f"{name}.{ending}"):
            raise SettingError(f"{folder / name}.{ending} is there already")
    before = os.umask(0o077)
    try:
        public, secret = create_certificates(folder, name)
    finally:
        os.umask(before)
    Path(public).chmod(0o644)
    return Path(public), Path(secret)


def read_key(path: Path, *, is_secret: bool) -> str:
    """The secret or the public key of a file."""
    from zmq.auth import load_certificate

    try:
        public, secret = load_certificate(path)
    except (OSError, ValueError) as error:
        raise SettingError(f"{path} is no file of keys: {error}") from error
    if is_secret and secret is None:
        raise SettingError(f"{path} has no secret key")
    return (secret if is_secret and secret is not None else public).decode()


def _key(name: str, key: object) -> str:
    if not isinstance(key, str) or len(key) != 40:  # never shown: it may be a secret
        raise SettingError(f"{name}: a key is a text of 40 characters (Z85)")
    try:
        z85.decode(key.encode("ascii"))
    except (KeyError, ValueError, UnicodeEncodeError) as error:
        raise SettingError(f"{name}: a key is a text of 40 characters (Z85)") from error
    return key


def _has_curve() -> None:
    if not zmq.has("curve"):
        raise SettingError("this libzmq is built without CURVE")
