"""Readers as engines' own consumers are made: the published structs, decoded by msgspec with their types.

vLLM's example subscriber and SGLang's exported types read so. They are faithful in what they read, and in what they
refuse: other dialects, other lengths, events and hashes that their structs do not have.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from contracts.event_transport.codec.hooked import Codec
from contracts.event_transport.codec.published import RELEASES, Release
from trueup_contracts import Malformed

_TYPES: Mapping[str, Any] = {
    "block_hashes": list[int | bytes],
    "parent_block_hash": int | bytes | None,
    "token_ids": list[int],
    "block_size": int,
    "lora_id": int | None,
    "group_idx": int | None,
    "extra_keys": list[tuple[Any, ...] | None] | None,
    "kv_cache_spec_sliding_window": int | None,
    "token_offset": int | None,
    "from_medium": str,
    "to_medium": str,
}


def _typed(release: Release) -> msgspec.msgpack.Decoder[Any]:
    """A decoder of batches: the release's structs, with the types that its source declares."""
    events = []
    for name, struct in release.structs.items():
        if name == "EventBatch" or "+" in name:
            continue
        events.append(_with_types(name, struct, release.dialect == "array", tag=name))
    union: Any = events[0]
    for one in events[1:]:
        union |= one
    outer = release.structs["EventBatch"]
    fields: list[Any] = [("ts", float), ("events", list[union])]
    if len(outer.__struct_fields__) > 2:
        fields.append(("data_parallel_rank", int | None, None))
    batch = msgspec.defstruct("Batch", fields, array_like=release.dialect != "map")
    return msgspec.msgpack.Decoder(batch)


def _with_types(name: str, struct: type[msgspec.Struct], is_array: bool, tag: str) -> type[msgspec.Struct]:
    defaults = struct.__struct_defaults__
    first = len(struct.__struct_fields__) - len(defaults)
    fields: list[Any] = []
    for number, field in enumerate(struct.__struct_fields__):
        kind = _TYPES.get(field, str | None)
        fields.append((field, kind) if number < first else (field, kind, defaults[number - first]))
    return msgspec.defstruct(name, fields, array_like=is_array, tag=tag)


class Typed(Codec):
    """A release's own consumer."""

    capabilities = frozenset({"codec"})

    def __init__(self, name: str) -> None:
        self.name = name
        self._decoder = _typed(RELEASES[name])

    def decode(self, frames: Sequence[bytes], format: str) -> dict[str, Any]:
        self.check_count(frames, 3)
        topic, sequence = self.topic(frames[0]), self.number(frames[1])
        try:
            batch = self._decoder.decode(frames[2])
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
            raise Malformed(str(error)) from error
        rank = getattr(batch, "data_parallel_rank", None)
        events = [self._told(one) for one in batch.events]
        return self.told(
            topic, sequence, None, {"ts": batch.ts, "events": events, "data_parallel_rank": rank, "unknown": {}}
        )

    def _told(self, event: msgspec.Struct) -> dict[str, Any]:
        named = {name: getattr(event, name) for name in event.__struct_fields__}
        told = {name: self.field(name, value) for name, value in named.items()}
        return {"type": type(event).__name__, **told, "unknown": {}}


ORIGINALS = [Typed(name) for name in ("vllm-array-of-maps", "vllm-map", "vllm-spec-kind", "sglang-maps", "atom")]
