"""What a client asked, whatever the endpoint, read from its JSON."""

from __future__ import annotations

import json
import math
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from contracts.router_service.plain.settings import Failed

MOST_TOKENS = 1 << 20
DEFAULT_TOKENS = 16  # OpenAI's, of completions
Json = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """`phases`: the ones to run, in order. `deadline_s`: what was left of it when the request came."""

    request_id: str
    token_ids: list[int]
    max_tokens: int
    phases: tuple[str, ...]
    ttft_ms: float | None = None
    itl_ms: float | None = None
    priority: int | None = None
    deadline_s: float | None = None
    transfer: Json | None = None
    headers: dict[str, str] = field(default_factory=dict)


def parsed(body: bytes) -> Json:
    """The object. `Failed` for a text that is none."""
    try:
        found = json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise Failed("invalid_request", f"the body is no JSON that can be read: {error}") from error
    if not isinstance(found, dict):
        raise Failed("invalid_request", "the body is no JSON object")
    return found


def asked(found: Json, phases: tuple[str, ...], headers: Mapping[str, str]) -> Asked:
    """A request of `/v1/generate`, or in the worker's form."""
    return Asked(
        request_id=identity(found),
        token_ids=tokens(found.get("token_ids"), "token_ids"),
        max_tokens=count(found.get("max_tokens")),
        phases=phases,
        ttft_ms=_target(found, "ttft"),
        itl_ms=_target(found, "itl"),
        priority=_priority(found),
        deadline_s=_deadline_s(found),
        transfer=_transfer(found, phases),
        headers={name: headers[name] for name in ("traceparent", "tracestate") if name in headers},
    )


def completion(found: Json, phases: tuple[str, ...], headers: Mapping[str, str]) -> Asked:
    """A request of `/v1/completions`: its prompt is token ids, alone or as the only one of a list."""
    prompt = found.get("prompt")
    if isinstance(prompt, list) and len(prompt) == 1 and isinstance(prompt[0], list):
        prompt = prompt[0]
    if found.get("n") not in (None, 1):
        raise Failed("invalid_request", "n is 1 here")
    tokens(prompt, "prompt")
    most = DEFAULT_TOKENS if found.get("max_tokens") is None else found["max_tokens"]
    return asked({**found, "token_ids": prompt, "max_tokens": most}, phases, headers)


def identity(found: Json) -> str:
    """The request's id, made up where it has none."""
    given = found.get("request_id")
    if given is None:
        return str(uuid.uuid4())
    if not isinstance(given, str) or not 0 < len(given) <= 512:
        raise Failed("invalid_request", "request_id is a text of 1 to 512 characters")
    return given


def tokens(value: object, name: str) -> list[int]:
    """Token ids."""
    if not isinstance(value, list) or not 0 < len(value) <= MOST_TOKENS:
        raise Failed("invalid_request", f"{name} is a list of 1 to {MOST_TOKENS} token ids")
    if not all(type(one) is int and 0 <= one < 1 << 32 for one in value):
        raise Failed("invalid_request", f"{name} holds something that is no token id")
    return value


def count(value: object) -> int:
    """A number of tokens."""
    if type(value) is not int or not 0 < value <= MOST_TOKENS:
        raise Failed("invalid_request", f"max_tokens is {value!r}: a whole number from 1 to {MOST_TOKENS} is due")
    return value


def _target(found: Json, name: str) -> float | None:
    nvext = found.get("nvext")
    for place in (
        found.get("targets"),
        found.get("router"),
        nvext.get("router") if isinstance(nvext, dict) else None,
        found.get("extra_args"),
    ):
        if place is None:
            continue
        if not isinstance(place, dict):
            raise Failed("invalid_request", "targets are an object")
        for key in (f"{name}_target", f"{name}_ms", f"{name}_target_ms"):
            if place.get(key) is not None:
                return _number(place[key], key)
    return None


def _number(value: object, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Failed("invalid_request", f"{name} is {value!r}: a number of milliseconds is due")
    if value < 0 or not math.isfinite(value if isinstance(value, float) else min(value, 1 << 1000)):
        raise Failed("invalid_request", f"{name} is {value!r}: a finite number from 0 on is due")
    return float(min(value, 1 << 1000))


def _priority(found: Json) -> int | None:
    value = found.get("priority")
    routing = found.get("routing")
    if value is None and routing is not None:
        if not isinstance(routing, dict):
            raise Failed("invalid_request", "routing is an object")
        value = routing.get("priority")
    if value is not None and type(value) is not int:
        raise Failed("invalid_request", f"priority is {value!r}: a whole number is due")
    return value


def _deadline_s(found: Json) -> float | None:
    value = found.get("deadline_ms")
    return None if value is None else min(_number(value, "deadline_ms") / 1000, 1e6)


def _transfer(found: Json, phases: tuple[str, ...]) -> Json | None:
    if phases != ("decode",):
        return None
    value = found.get("transfer")
    if not isinstance(value, dict):
        raise Failed("invalid_request", "transfer is missing: decode needs what prefill has sent")
    return value


def _no_constant(text: str) -> float:
    raise ValueError(f"{text} is no JSON")
