"""Settings are refused when they are given, with what would be right."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

from trueup_reference.event_transport.errors import SettingError

TIMEOUT_ENV = "TRUEUP_ZMQ_RECV_TIMEOUT_MS"
DEFAULT_TIMEOUT_MS = 100
LONGEST_MS = 24 * 60 * 60 * 1000
_ENDPOINT = re.compile(r"(tcp|ipc|inproc|ws|wss|tipc|vmci)://\S+")


def checked_ms(name: str, value: object, hint: str = "") -> int:
    """A time in milliseconds from 0 to a day."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LONGEST_MS:
        raise SettingError(f"{name} is {value!r}: a whole number from 0 to {LONGEST_MS:,} (a day) is due{hint}")
    return value


def recv_timeout_ms(given: int | None) -> int:
    """The timeout of `recv`: what was given, or the environment says, or 100 ms."""
    hint = "; 0 polls, and whoever wants to wait for ever uses forever()"
    if given is not None:
        return checked_ms("recv_timeout_ms", given, hint)
    text = os.environ.get(TIMEOUT_ENV, "").strip()
    if not text:
        return DEFAULT_TIMEOUT_MS
    if not re.fullmatch(r"[0-9]{1,12}", text):
        raise SettingError(f"{TIMEOUT_ENV} is {text!r}: a whole number of milliseconds is due{hint}")
    return checked_ms(TIMEOUT_ENV, int(text), hint)


def checked_count(name: str, value: object, least: int = 1, most: int = (1 << 31) - 1) -> int:
    """A whole number within bounds."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise SettingError(f"{name} is {value!r}: a whole number from {least} to {most} is due")
    return value


def checked_endpoint(value: object) -> str:
    """An endpoint as ZMQ writes it."""
    if not isinstance(value, str) or not _ENDPOINT.fullmatch(value):
        raise SettingError(f"{value!r} is no endpoint: write it as tcp://HOST:PORT, ipc://PATH or inproc://NAME")
    return value


def checked_endpoints(values: Sequence[str], name: str = "endpoints") -> tuple[str, ...]:
    """One or many, none twice."""
    if isinstance(values, str):
        raise SettingError(f"{name} is a text: a list of endpoints is due")
    found = tuple(map(checked_endpoint, values))
    if not found:
        raise SettingError(f"{name} is empty")
    for one in found:
        if found.count(one) > 1:
            raise SettingError(f"{name} has {one!r} twice: each of its messages would come twice")
    return found


def checked_choice(name: str, value: object, choices: Sequence[str]) -> str:
    """One of these words."""
    if value not in choices or not isinstance(value, str):
        raise SettingError(f"{name} is {value!r}: one of {', '.join(choices)} is due")
    return value


def wildcard_port(endpoint: str) -> str:
    """Port 0 as ZMQ writes it: it takes a free one itself, so that nobody can take it in between."""
    return re.sub(r"^(tcp://.*):0$", r"\1:*", endpoint)


def endpoint_of_rank(endpoint: str, rank: int) -> str:
    """Where the data-parallel rank publishes: TCP ports are counted up, `inproc` names get a suffix.

    Only rank 0 may take a free port: the others could not be told.
    """
    checked_count("rank", rank, 0)
    if rank == 0:
        return endpoint
    if endpoint.startswith("inproc://"):
        return f"{endpoint}_dp{rank}"
    host, colon, port = endpoint.rpartition(":")
    if (
        not endpoint.startswith("tcp://")
        or not colon
        or not re.fullmatch("[1-9][0-9]{0,4}", port)
        or int(port) + rank > 65535
    ):
        raise SettingError(f"{endpoint!r} has no place for rank {rank}: tcp://HOST:PORT or inproc://NAME is due")
    return f"{host}:{int(port) + rank}"
