"""Which fields an event of format A has, where each stands in an array, and what wrote it first.

Sources, each read in the public repository (a change is named by its pull request):
vLLM `vllm/distributed/kv_events.py` (#16750, #19737, #23673, #27577, #33304, #37688, #40984, #42892), SGLang
`python/sglang/srt/disaggregation/kv_events.py` (#18205, #30827, #37482, issue #38561), TensorRT-LLM
`tensorrt_llm/_torch/pyexecutor/kv_cache_events.py`, ATOM's `kv_events.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

I64_MIN, I64_MAX, U64_MAX = -(1 << 63), (1 << 63) - 1, (1 << 64) - 1


class Field(NamedTuple):
    """A field: its place in an array (0 is the tag; none: it has only ever been in maps), and what it may hold."""

    name: str
    place: int | None
    kind: str
    since: str
    required: bool = False
    identity: bool = False  # two blocks that differ in it alone are two blocks


BLOCK_STORED, BLOCK_REMOVED, ALL_BLOCKS_CLEARED = "BlockStored", "BlockRemoved", "AllBlocksCleared"
BLOCK_TRANSFERRED = "BlockTransferred"

_TIER = "locality: a block here, or in a pool that others share"
_STORED = (
    Field("block_hashes", 1, "hashes", "vLLM #16750", required=True, identity=True),
    Field("parent_block_hash", 2, "hash?", "vLLM #16750", identity=True),
    Field("token_ids", 3, "tokens", "vLLM #16750", required=True),
    Field("block_size", 4, "count", "vLLM #16750", required=True),
    Field("lora_id", 5, "id?", "vLLM #16750", identity=True),
    Field("medium", 6, "text?", "vLLM #19737, SGLang #18205", identity=True),
    Field("lora_name", 7, "text?", "vLLM #27577", identity=True),
    Field("extra_keys", 8, "list?", "vLLM #33304", identity=True),
    Field("group_idx", 9, "count?", "vLLM #37688", identity=True),
    Field("kv_cache_spec_kind", 10, "text?", "vLLM #40984"),
    Field("kv_cache_spec_sliding_window", 11, "count?", "vLLM #40984"),
    Field("token_offset", 12, "count?", "ATOM"),
    Field("metadata", None, "map?", "SGLang #30827", identity=True),  # at place 7 of its arrays, and a map there
    Field("cache_salt", None, "text?", "SGLang #37482", identity=True),
    Field("session_id", None, "text?", "SGLang #37482"),
    Field("locality", None, "text?", f"vLLM 0.29 ({_TIER})"),
    Field("ownership", None, "text?", "vLLM 0.29"),
    Field("mm_keys", None, "list?", "TensorRT-LLM", identity=True),
)
_REMOVED = (
    Field("block_hashes", 1, "hashes", "vLLM #16750", required=True, identity=True),
    Field("medium", 2, "text?", "vLLM #19737, SGLang #18205", identity=True),
    Field("group_idx", 3, "count?", "vLLM #37688", identity=True),
    Field("locality", None, "text?", "vLLM 0.29"),
    Field("ownership", None, "text?", "vLLM 0.29"),
)
_CLEARED = (Field("medium", 1, "text?", "ATOM", identity=True),)
_TRANSFERRED = (
    Field("block_hashes", 1, "hashes", "ATOM", required=True, identity=True),
    Field("from_medium", 2, "text?", "ATOM", required=True),
    Field("to_medium", 3, "text?", "ATOM", required=True),
    Field("group_idx", 4, "count?", "ATOM", identity=True),
)
FIELDS: Mapping[str, tuple[Field, ...]] = {
    BLOCK_STORED: _STORED,
    BLOCK_REMOVED: _REMOVED,
    ALL_BLOCKS_CLEARED: _CLEARED,
    BLOCK_TRANSFERRED: _TRANSFERRED,
}
METADATA_PLACE = 7


def by_name(tag: str) -> dict[str, Field]:
    """The known fields of an event; none for an unknown one."""
    return {field.name: field for field in FIELDS.get(tag, ())}


def by_place(tag: str) -> dict[int, Field]:
    """Those that have a place in an array."""
    return {field.place: field for field in FIELDS.get(tag, ()) if field.place is not None}


def is_integer(value: Any) -> bool:
    """An integer, and no truth value."""
    return isinstance(value, int) and not isinstance(value, bool)


def _is_hash(value: Any) -> bool:
    return isinstance(value, bytes) or is_integer(value)


def _optional(allowed: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or allowed(value)


# What is allowed for each kind, as MessagePack has it, and how that is called.
KINDS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "hashes": (lambda value: isinstance(value, list), "a list of hashes"),
    "hash?": (_optional(_is_hash), "a hash (an integer or bytes) or nil"),
    "tokens": (lambda value: isinstance(value, list), "a list of token ids"),
    "count": (lambda value: is_integer(value) and value >= 0, "an integer from 0 on"),
    "count?": (_optional(lambda value: is_integer(value) and value >= 0), "an integer from 0 on, or nil"),
    "id?": (_optional(lambda value: isinstance(value, str) or is_integer(value)), "an integer, a text or nil"),
    "text?": (_optional(lambda value: isinstance(value, str)), "a text or nil"),
    "list?": (_optional(lambda value: isinstance(value, list)), "a list or nil"),
    "map?": (_optional(lambda value: isinstance(value, dict)), "a map or nil"),
}
IS_HASH = _is_hash


def called(value: Any) -> str:
    """What a value is, in MessagePack's words."""
    if value is None:
        return "nil"
    if isinstance(value, bool):
        return "a truth value"
    for kind, name in ((int, "an integer"), (float, "a float"), (str, "a text"), (bytes, "bytes"), (list, "an array")):
        if isinstance(value, kind):
            return name
    return "a map" if isinstance(value, dict) else "a value of another type"
