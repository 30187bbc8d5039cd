"""What is received, and what publishers of format A tell: batches of KV events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, TypeAlias, TypedDict

import msgspec

Format: TypeAlias = Literal["A", "B"]
Dialect: TypeAlias = Literal["array", "map", "array_of_maps"]
Hash: TypeAlias = int | bytes  # signed or unsigned 64 bits, or a digest, as the engine writes it
Token: TypeAlias = int | str  # texts are multimodal keys of TensorRT-LLM


class Before(TypedDict):
    """What happened between the message before and this one.

    gap: `missed` messages are lost. restart: the publisher began anew, and `missed` of its new messages are lost (None:
    unknown). uncertain: the connection was lost in between, and nothing shows whether the publisher is still the same.
    """

    kind: Literal["gap", "restart", "uncertain"]
    missed: int | None


class Message(msgspec.Struct, frozen=True, gc=False):
    """One message, of either format."""

    endpoint: str  # as it was given to the subscriber
    topic: str
    sequence: int
    publisher_id: int | None  # None in format A
    payload: bytes  # A: MessagePack of a batch. B: the envelope's inner payload
    before: Before | None = None
    replayed: bool = False


class Live(NamedTuple):
    """A message of format A as it came, before it is known what happened in between."""

    topic: str
    sequence: int
    payload: bytes


class BlockStored(msgspec.Struct, frozen=True, kw_only=True):
    """Blocks that are now in the cache: a chain, the first one's parent being `parent_block_hash`."""

    block_hashes: tuple[Hash, ...]
    parent_block_hash: Hash | None = None
    token_ids: tuple[Token, ...]
    block_size: int  # tokens
    lora_id: int | str | None = None
    medium: str | None = None  # "GPU", "CPU", …
    lora_name: str | None = None
    extra_keys: Any = None  # what else makes a block what it is: one entry per block
    group_idx: int | None = None
    kv_cache_spec_kind: str | None = None
    kv_cache_spec_sliding_window: int | None = None
    token_offset: int | None = None
    metadata: Mapping[str, Any] | None = None  # SGLang's, with a cache_salt
    cache_salt: str | None = None
    session_id: str | None = None
    locality: str | None = None
    ownership: str | None = None
    mm_keys: Any = None
    unknown: Mapping[str, Any] = {}


class BlockRemoved(msgspec.Struct, frozen=True, kw_only=True):
    """Blocks that are gone."""

    block_hashes: tuple[Hash, ...]
    medium: str | None = None
    group_idx: int | None = None
    locality: str | None = None
    ownership: str | None = None
    unknown: Mapping[str, Any] = {}


class AllBlocksCleared(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing is cached any more, or nothing of one medium."""

    medium: str | None = None
    unknown: Mapping[str, Any] = {}


class BlockTransferred(msgspec.Struct, frozen=True, kw_only=True):
    """Blocks that went from one medium to another (ATOM's)."""

    block_hashes: tuple[Hash, ...]
    from_medium: str | None
    to_medium: str | None
    group_idx: int | None = None
    unknown: Mapping[str, Any] = {}


class UnknownEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event of a type that is not known here: a reader goes on."""

    type: str
    unknown: Mapping[str, Any] = {}


Event: TypeAlias = BlockStored | BlockRemoved | AllBlocksCleared | BlockTransferred | UnknownEvent


class EventBatch(msgspec.Struct, frozen=True, kw_only=True):
    """What one message of format A tells."""

    ts: float  # seconds since the epoch
    events: tuple[Event, ...]
    data_parallel_rank: int | None = None
    unknown: Mapping[str, Any] = {}
    dialect: Dialect = "map"  # in which it was written


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """What one message of format B carries."""

    payload: bytes
    published_at_ms: int  # since the epoch
