"""What a router is told when it is started: options, and variables of the environment where an option is not given.

`--config`, `--model-name`, `--namespace`, `--component-name` and the default targets are those of the global router of
ai-dynamo/dynamo, its variables too; what it has no option for has a variable of the same form.
"""

from __future__ import annotations

import argparse
import ipaddress
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any, NamedTuple

PROGRAM = "trueup-router"
PREFIX = "DYN_GLOBAL_ROUTER_"


class OptionError(ValueError):
    """An option, or a variable of the environment, that cannot be obeyed."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """All of it; each field's option is its name with dashes, its variable the prefix and its name in capitals."""

    config: Path
    model_name: str
    discovery: str
    service: Path | None = None
    namespace: str = "dynamo"
    component_name: str = "global_router"
    default_ttft_target: float | None = None
    default_itl_target: float | None = None
    host: str = "127.0.0.1"
    port: int = 8000
    token_file: Path | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None
    worker_ca: Path | None = None
    worker_cert: Path | None = None
    worker_key: Path | None = None
    worker_token_file: Path | None = None
    zmq_secret_key: Path | None = None
    zmq_server_key: Path | None = None
    max_body_bytes: int = 16 << 20
    log_level: str = "INFO"
    log_format: str = "json"
    log_requests: str = "failed"

    @property
    def defaults(self) -> dict[str, float]:
        """The targets of requests without one, as selection takes them."""
        given = {"ttft_target_ms": self.default_ttft_target, "itl_target_ms": self.default_itl_target}
        return {name: target for name, target in given.items() if target is not None}

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach it."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


class _Form(NamedTuple):
    """How a text becomes a value (`ValueError` where it does not), and what is due then."""

    read: Callable[[str], Any]
    due: str


class _Told(NamedTuple):
    """An option: what help says of it, and second names of its flag and of its variable."""

    form: _Form
    metavar: str
    help: str
    flags: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()


def read(argv: Sequence[str] | None, environment: Mapping[str, str]) -> Options:
    """The options; `OptionError` names the option or the variable that is missing or wrong. `--help` exits."""
    args = parser().parse_args(argv)
    given: dict[str, Any] = {}
    for name, told in {**_ROUTING, **_LISTENING, **_WORKERS, **_LOGGING}.items():
        text, where = getattr(args, name), _flag(name)
        for variable in () if text is not None else _variables(name, told):
            text, where = environment.get(variable) or None, variable
            if text is not None:
                break
        if text is not None:
            given[name] = _value(told.form, text, where)
    for name, part in zip(("host", "port"), given.pop("listen", ()), strict=False):
        is_given = getattr(args, name) is not None
        if is_given and args.listen is not None:
            raise OptionError(f"--listen and --{name} say the same: one of them is due")
        if not is_given:  # an option wins over the variable of the other one, too
            given[name] = part
    for one in fields(Options):
        if one.default is MISSING and one.name not in given:
            raise OptionError(f"{_flag(one.name)} is missing (or {PREFIX}{one.name.upper()})")
    for first, second in _TOGETHER:
        if (first in given) != (second in given):
            raise OptionError(f"{_flag(first)} and {_flag(second)} come together")
    return Options(**given)


def parser() -> argparse.ArgumentParser:
    """The arguments, each a text or absent."""
    made = argparse.ArgumentParser(
        prog=PROGRAM,
        description="A global router: it picks a pool for each request by a grid, forwards the request to a worker of "
        "that pool, and tries again where it may. Once it listens it prints one line of JSON with its URL. SIGTERM and "
        "SIGINT end it: what was accepted has the drain time of --service. SIGHUP reads the grid and the tokens again.",
        epilog="trueup-router plot GRID draws a grid. Every option has a variable too: "
        f"{PREFIX}MODEL_NAME for --model-name, and DYN_NAMESPACE for --namespace; options win.",
        allow_abbrev=False,
    )
    for title, told in (
        ("what is routed, and where", _ROUTING),
        ("listening", _LISTENING),
        ("towards workers", _WORKERS),
        ("logs, on the standard error", _LOGGING),
    ):
        group = made.add_argument_group(title)
        for name, one in told.items():
            group.add_argument(_flag(name), *one.flags, dest=name, metavar=one.metavar, help=one.help + _default(name))
    return made


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _variables(name: str, told: _Told) -> tuple[str, ...]:
    return (f"{PREFIX}{name.upper()}", *told.variables)


def _default(name: str) -> str:
    default = next((one.default for one in fields(Options) if one.name == name), None)
    if default is MISSING:
        return " (required)"
    return "" if default is None else f" (default: {default})"


def _value(form: _Form, text: str, where: str) -> Any:
    try:
        return form.read(text)
    except ValueError:
        raise OptionError(f"{where} is {text!r}; {form.due} is due") from None


def _text(text: str) -> str:
    if not text.strip():
        raise ValueError
    return text.strip()


def _milliseconds(text: str) -> float:
    value = float(text)
    if not math.isfinite(value) or value < 0:
        raise ValueError
    return value


def _integer(least: int, most: int) -> Callable[[str], int]:
    def read_integer(text: str) -> int:
        value = int(text)
        if not least <= value <= most:
            raise ValueError
        return value

    return read_integer


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not host:
        raise ValueError
    return host.removeprefix("[").removesuffix("]"), _integer(0, 65535)(port)


def _one_of(*words: str) -> _Form:
    def read_word(text: str) -> str:
        for word in words:
            if word.lower() == text.strip().lower():
                return word
        raise ValueError

    return _Form(read_word, f"{', '.join(words[:-1])} or {words[-1]}")


_TEXT = _Form(_text, "a name")
_FILE = _Form(lambda text: Path(_text(text)), "the path of a file")
_TARGET = _Form(_milliseconds, "a number of milliseconds, 0 or more,")

_TOGETHER = (("tls_cert", "tls_key"), ("worker_cert", "worker_key"), ("zmq_secret_key", "zmq_server_key"))
_ROUTING = {
    "config": _Told(_FILE, "GRID", "which pool a request gets; watched, and read again when it changes"),
    "model_name": _Told(_TEXT, "NAME", "what the workers serve, as clients name it"),
    "discovery": _Told(_TEXT, "PLACE", "where the workers are found: FILE or etcd://HOST:PORT[,HOST:PORT]/DEPLOYMENT"),
    "service": _Told(_FILE, "FILE", "timeouts, retries, admission, ejection, draining; all bounds are per pool"),
    "namespace": _Told(_TEXT, "NAME", "of this router", variables=("DYN_NAMESPACE",)),
    "component_name": _Told(_TEXT, "NAME", "of this router, in its logs"),
    "default_ttft_target": _Told(
        _TARGET,
        "MS",
        "of requests without one; else the middle of the grid",
        ("--default-ttft-target-ms",),
        (f"{PREFIX}DEFAULT_TTFT_TARGET_MS",),
    ),
    "default_itl_target": _Told(
        _TARGET,
        "MS",
        "of requests without one; else the middle of the grid",
        ("--default-itl-target-ms",),
        (f"{PREFIX}DEFAULT_ITL_TARGET_MS",),
    ),
}
_LISTENING = {
    "host": _Told(_TEXT, "ADDRESS", "listen there"),
    "port": _Told(_Form(_integer(0, 65535), "0 to 65535"), "N", "0: a free one"),
    "listen": _Told(_Form(_address, "HOST:PORT"), "HOST:PORT", "both in one"),
    "token_file": _Told(_FILE, "FILE", "bearer tokens, one a line; without one of them no work is taken"),
    "tls_cert": _Told(_FILE, "FILE", "listen with TLS: the certificate and its chain, PEM"),
    "tls_key": _Told(_FILE, "FILE", "its private key, PEM"),
    "max_body_bytes": _Told(_Form(_integer(1, 1 << 40), "a number of bytes, 1 or more,"), "N", "of a request"),
}
_WORKERS = {
    "worker_ca": _Told(_FILE, "FILE", "what signs the certificates of https workers, PEM; else what the system trusts"),
    "worker_cert": _Told(_FILE, "FILE", "what the router shows to workers, PEM"),
    "worker_key": _Told(_FILE, "FILE", "its private key, PEM"),
    "worker_token_file": _Told(_FILE, "FILE", "its first bearer token is sent to workers over http and https"),
    "zmq_secret_key": _Told(_FILE, "FILE", "CURVE, to zmq+tcp workers: the secret key of this router"),
    "zmq_server_key": _Told(_FILE, "FILE", "CURVE: the public key of the workers"),
}
_LOGGING = {
    "log_level": _Told(_one_of("DEBUG", "INFO", "WARNING", "ERROR"), "LEVEL", "DEBUG, INFO, WARNING or ERROR"),
    "log_format": _Told(_one_of("json", "text"), "FORM", "json or text"),
    "log_requests": _Told(_one_of("none", "failed", "all"), "WHICH", "none, failed or all"),
}
