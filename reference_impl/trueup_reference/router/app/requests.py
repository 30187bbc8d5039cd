"""What a client's JSON asks for. Fields that are not known are let pass: clients send sampling parameters and more.

A target may stand in three places, after the releases of the global router of ai-dynamo/dynamo: `router`
(`nvext.router` of an OpenAI client), `extra_args`, and `targets`. Where two of them differ, none of them is obeyed.
Messages name the field and never hold a prompt.
"""

from __future__ import annotations

import itertools
import re
import uuid
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, TypeVar

import msgspec

from trueup_reference.router.app import tracing
from trueup_reference.router.app.bodies import check_depth
from trueup_reference.router.protocol import Request, RouterError
from trueup_reference.worker_protocol import MOST_TOKENS, Asked, Phase

DEFAULT_COMPLETION_TOKENS = 16  # OpenAI's
_PROXY_ID = re.compile(rb"[A-Za-z0-9._:+/=-]{1,128}")
_Target = Annotated[float, msgspec.Meta(ge=0)]
_Priority = Annotated[int, msgspec.Meta(ge=-(1 << 63), le=(1 << 63) - 1)]
_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=512)]
_Tokens = Annotated[
    tuple[Annotated[int, msgspec.Meta(ge=0, lt=1 << 32)], ...], msgspec.Meta(min_length=1, max_length=MOST_TOKENS)
]
_Count = Annotated[int, msgspec.Meta(ge=1, le=MOST_TOKENS)]
_PROCESS = uuid.uuid4().hex
_numbers = itertools.count()
_Any = TypeVar("_Any")
_Number = TypeVar("_Number", int, float)


class _Targets(msgspec.Struct, frozen=True):
    ttft_target: _Target | None = None
    itl_target: _Target | None = None
    ttft_ms: _Target | None = None  # as the worker protocol has them
    itl_ms: _Target | None = None


class _Routing(msgspec.Struct, frozen=True):
    priority: _Priority | None = None


class _Extension(msgspec.Struct, frozen=True):
    router: _Targets | None = None


class _Common(msgspec.Struct, frozen=True, kw_only=True):
    request_id: _Name | None = None
    priority: _Priority | None = None
    routing: _Routing | None = None
    targets: _Targets | None = None
    router: _Targets | None = None
    extra_args: _Targets | None = None
    nvext: _Extension | None = None
    deadline_ms: _Target | None = None

    def target(self, kind: str) -> float | None:
        """`kind`: ttft or itl. In milliseconds."""
        given: list[tuple[str, float | None]] = []
        for place, targets in (
            ("targets", self.targets),
            ("router", self.router),
            ("nvext.router", None if self.nvext is None else self.nvext.router),
            ("extra_args", self.extra_args),
        ):
            if targets is not None:
                given.append((f"{place}.{kind}_target", getattr(targets, f"{kind}_target")))
                given.append((f"{place}.{kind}_ms", getattr(targets, f"{kind}_ms")))
        return _one_of(given)

    def priority_given(self) -> int | None:
        """Wherever it stands."""
        routing = None if self.routing is None else self.routing.priority
        return _one_of([("priority", self.priority), ("routing.priority", routing)])


class _Generate(_Common, frozen=True, kw_only=True):
    token_ids: _Tokens
    max_tokens: _Count


class _StreamOptions(msgspec.Struct, frozen=True):
    include_usage: bool | None = None


class _Completion(_Common, frozen=True, kw_only=True):
    prompt: str | list[int | str | list[int]]
    model: str | None = None
    max_tokens: _Count | None = None
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    n: int | None = None
    best_of: int | None = None
    echo: bool | None = None
    logprobs: int | None = None
    suffix: str | None = None
    stop: str | list[str] | None = None


class Completion(msgspec.Struct, frozen=True, kw_only=True):
    """A request for a completion, and the form of its answer."""

    request: Request
    streams: bool
    with_usage: bool  # as a chunk of its own


def read_generate(body: bytes, headers: Iterable[tuple[bytes, bytes]], received_s: float) -> Request:
    """A request of `/v1/generate`. `RouterError` 400 says which field is wrong, and what is due."""
    read = _decoded(body, _Generate)
    return _request(read, read.token_ids, read.max_tokens, headers, received_s)


def read_completion(body: bytes, headers: Iterable[tuple[bytes, bytes]], received_s: float) -> Completion:
    """A request of `/v1/completions`. Refuses what would give another answer than the one asked for."""
    read = _decoded(body, _Completion)
    for name in ("n", "best_of"):
        if getattr(read, name) not in (None, 1):
            raise _refused(f"{name} is {getattr(read, name)}: one completion is due")
    for name in ("echo", "logprobs", "suffix", "stop"):
        if getattr(read, name):
            raise _refused(f"{name} has no meaning here: prompts and completions are token ids")
    tokens = _prompt(read.prompt)
    request = _request(read, tokens, read.max_tokens or DEFAULT_COMPLETION_TOKENS, headers, received_s)
    with_usage = read.stream_options is not None and bool(read.stream_options.include_usage)
    return Completion(request=request, streams=bool(read.stream), with_usage=with_usage)


def read_asked(
    body: bytes, phase: Phase, headers: Iterable[tuple[bytes, bytes]], received_s: float
) -> tuple[Asked, Request]:
    """A request of `/v1/prefill` or `/v1/decode`, which is one of the worker protocol."""
    asked = _decoded(body, Asked)
    if asked.phase != phase:
        raise _refused(f"phase is {asked.phase!r}; {phase!r} is due at /v1/{phase}")
    if phase == "decode" and asked.transfer is None:
        raise _refused("transfer is missing: decode needs what prefill has sent")
    targets = _checked(asked.targets or {}, _Targets, "targets")
    return asked, Request(
        request_id=asked.request_id,
        token_ids=asked.token_ids,
        max_tokens=asked.max_tokens,
        ttft_target_ms=_one_of([("ttft_ms", targets.ttft_ms), ("ttft_target", targets.ttft_target)]),
        itl_target_ms=_one_of([("itl_ms", targets.itl_ms), ("itl_target", targets.itl_target)]),
        priority=_checked(asked.priority, _Priority | None, "priority"),
        deadline_ms=asked.deadline_ms,
        phases=(phase,),
        transfer=asked.transfer,
        received_s=received_s,
        traceparent=(parent := tracing.traceparent(headers)),
        tracestate=None if parent is None else tracing.tracestate(headers),
    )


class _Named(msgspec.Struct, frozen=True):
    request_id: _Name | None = None


def name_of(body: bytes, headers: Iterable[tuple[bytes, bytes]]) -> str:
    """What a request is called that was refused before it was read: as it says, as far as that can be seen."""
    try:
        given = msgspec.json.decode(body, type=_Named).request_id
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        given = None
    return given or _id_of(headers) or _new_id()


def _request(
    read: _Common, tokens: tuple[int, ...], max_tokens: int, headers: Iterable[tuple[bytes, bytes]], received_s: float
) -> Request:
    return Request(
        request_id=read.request_id or _id_of(headers) or _new_id(),
        token_ids=tokens,
        max_tokens=max_tokens,
        ttft_target_ms=read.target("ttft"),
        itl_target_ms=read.target("itl"),
        priority=read.priority_given(),
        deadline_ms=read.deadline_ms,
        received_s=received_s,
        traceparent=(parent := tracing.traceparent(headers)),
        tracestate=None if parent is None else tracing.tracestate(headers),
    )


def _prompt(given: str | list[int | str | list[int]]) -> tuple[int, ...]:
    if isinstance(given, str) or any(isinstance(one, str) for one in given[:1]):
        raise _refused("prompt is text: token ids are due, since a router has no tokenizer")
    alone: object = given
    if given and isinstance(given[0], list):
        if len(given) > 1:
            raise _refused(f"prompt holds {len(given)} prompts: one is due")
        alone = given[0]
    tokens: tuple[int, ...] = _checked(alone, _Tokens, "prompt")
    return tokens


def _decoded(body: bytes, kind: type[_Any]) -> _Any:
    check_depth(body)
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _refused(str(error) if body.strip() else "the body is empty: a JSON object is due") from None


def _checked(value: Any, kind: Any, name: str) -> Any:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        told = str(error)
        raise _refused(told.replace("`$", f"`$.{name}") if "`$" in told else f"{told} - at `$.{name}`") from None


def _one_of(given: Sequence[tuple[str, _Number | None]]) -> _Number | None:
    """The one value that is given. Two that differ are none."""
    chosen: tuple[str, _Number] | None = None
    for name, value in given:
        if value is None:
            continue
        if chosen is not None and chosen[1] != value:
            raise _refused(f"{chosen[0]} is {chosen[1]:g} and {name} is {value:g}: one of them is due")
        chosen = chosen or (name, value)
    return None if chosen is None else chosen[1]


def _new_id() -> str:
    """Another one each time, in every process."""
    return f"{_PROCESS}-{next(_numbers):x}"


def _id_of(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """The id that a proxy in front has given the request."""
    found = next((value for name, value in headers if name == b"x-request-id"), b"")
    return found.decode() if _PROXY_ID.fullmatch(found) else None


def _refused(why: str) -> RouterError:
    return RouterError("invalid_request", why)
