"""What a router is started with, read and checked before anything listens."""

from __future__ import annotations

import ssl
from collections.abc import Mapping

from trueup_reference.event_transport import ClientKeys, SettingError, client_keys, read_key
from trueup_reference.router.app.bearer import TokenError, read_tokens
from trueup_reference.router.options import Options
from trueup_reference.router.service import InvalidSettings, ServiceSettings
from trueup_reference.router.service import read as read_settings
from trueup_reference.router.workers import Transport


class StartError(ValueError):
    """Why the router does not start: what is wrong with what it was given."""


def settings(options: Options) -> ServiceSettings:
    """What `--service` says."""
    if options.service is None:
        return ServiceSettings()
    try:
        return read_settings(options.service.read_bytes())
    except OSError as error:
        raise StartError(f"{options.service}: {error.strerror or error}") from error
    except InvalidSettings as error:
        raise StartError(f"{options.service}: {error}") from error


def tokens(options: Options) -> tuple[bytes, ...] | None:
    """Whom `--token-file` lets in; None lets in everybody."""
    try:
        return None if options.token_file is None else read_tokens(options.token_file)
    except TokenError as error:
        raise StartError(f"--token-file: {error}") from error


def transports(options: Options) -> Mapping[str, Transport]:
    """By the scheme of a worker's URL. Made in the event loop in which they are used."""
    from trueup_reference.router.workers.http import HttpTransport
    from trueup_reference.router.workers.zmq import ZmqTransport

    tls, headers, keys = _tls(options), _headers(options), _keys(options)
    http = HttpTransport(tls=tls, headers=headers)
    return {"http": http, "https": http, "zmq+tcp": ZmqTransport(keys)}


def _tls(options: Options) -> ssl.SSLContext | None:
    if options.worker_ca is None and options.worker_cert is None:
        return None
    try:
        context = ssl.create_default_context(cafile=options.worker_ca)
        if options.worker_cert is not None:
            context.load_cert_chain(options.worker_cert, options.worker_key)
    except OSError as error:  # ssl.SSLError is one
        raise StartError(f"TLS to workers: {error.strerror or error}") from error
    return context


def _headers(options: Options) -> dict[str, str]:
    if options.worker_token_file is None:
        return {}
    try:
        token, *_ = read_tokens(options.worker_token_file)
    except TokenError as error:
        raise StartError(f"--worker-token-file: {error}") from error
    return {"Authorization": f"Bearer {token.decode()}"}


def _keys(options: Options) -> ClientKeys | None:
    if options.zmq_secret_key is None or options.zmq_server_key is None:
        return None
    try:
        server_key = read_key(options.zmq_server_key, is_secret=False)
        return client_keys(server_key, read_key(options.zmq_secret_key, is_secret=True))
    except SettingError as error:
        raise StartError(f"CURVE to workers: {error}") from error
