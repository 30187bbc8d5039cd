"""Which fields an event of format A has, where each stands in an array, and what it may hold.

From the struct definitions that are published: vLLM's `vllm/distributed/kv_events.py` (#19737, #23673, #27577, #33304,
#37688, #40984; maps since #42892), SGLang's `python/sglang/srt/disaggregation/kv_events.py` (#18205, #30827, #37482),
TensorRT-LLM's `tensorrt_llm/_torch/pyexecutor/kv_cache_events.py`, ATOM's `kv_events.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple


def is_integer(value: Any) -> bool:
    """An integer, and no truth value."""
    return type(value) is int


def is_hash(value: Any) -> bool:
    """As engines write them: signed or unsigned 64 bits, or bytes."""
    return type(value) is int or type(value) is bytes


def _hashes(value: Any) -> bool:
    return type(value) is list and all(map(is_hash, value))


def _tokens(value: Any) -> bool:  # texts are TensorRT-LLM's multimodal keys
    return type(value) is list and all(type(one) is int or type(one) is str for one in value)


def _or_none(allowed: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or allowed(value)


def _count(value: Any) -> bool:
    return type(value) is int and value >= 0


_HASHES = (_hashes, "a list of integers or bytes")
_HASH_OR_NONE = (_or_none(is_hash), "an integer, bytes or nil")
_TOKENS = (_tokens, "a list of integers")
_COUNT = (_count, "an integer from 0 on")
COUNT_OR_NONE = (_or_none(_count), "an integer from 0 on, or nil")
_ID_OR_NONE = (_or_none(lambda value: type(value) is int or type(value) is str), "an integer, a text or nil")
_TEXT_OR_NONE = (_or_none(lambda value: type(value) is str), "a text or nil")
_LIST_OR_NONE = (_or_none(lambda value: type(value) is list), "a list or nil")
_MAP_OR_NONE = (_or_none(lambda value: type(value) is dict), "a map or nil")


class Field(NamedTuple):
    """`place`: in an array, 0 being the tag; None where it has only been in maps."""

    place: int | None
    allows: Callable[[Any], bool]
    due: str
    is_required: bool = False  # a reader needs it
    is_always_written: bool = False  # vLLM's structs have no default for it: readers made of them need it


METADATA_PLACE = 7  # of a BlockStored, where SGLang wrote a map in the place of lora_name
FIELDS: Mapping[str, Mapping[str, Field]] = {
    "BlockStored": {
        "block_hashes": Field(1, *_HASHES, True, True),
        "parent_block_hash": Field(2, *_HASH_OR_NONE, False, True),
        "token_ids": Field(3, *_TOKENS, True, True),
        "block_size": Field(4, *_COUNT, True, True),
        "lora_id": Field(5, *_ID_OR_NONE, False, True),
        "medium": Field(6, *_TEXT_OR_NONE, False, True),
        "lora_name": Field(7, *_TEXT_OR_NONE, False, True),
        "extra_keys": Field(8, *_LIST_OR_NONE),
        "group_idx": Field(9, *COUNT_OR_NONE),
        "kv_cache_spec_kind": Field(10, *_TEXT_OR_NONE),
        "kv_cache_spec_sliding_window": Field(11, *COUNT_OR_NONE),
        "token_offset": Field(12, *COUNT_OR_NONE),
        "metadata": Field(None, *_MAP_OR_NONE),
        "cache_salt": Field(None, *_TEXT_OR_NONE),
        "session_id": Field(None, *_TEXT_OR_NONE),
        "locality": Field(None, *_TEXT_OR_NONE),
        "ownership": Field(None, *_TEXT_OR_NONE),
        "mm_keys": Field(None, *_LIST_OR_NONE),
    },
    "BlockRemoved": {
        "block_hashes": Field(1, *_HASHES, True, True),
        "medium": Field(2, *_TEXT_OR_NONE, False, True),
        "group_idx": Field(3, *COUNT_OR_NONE),
        "locality": Field(None, *_TEXT_OR_NONE),
        "ownership": Field(None, *_TEXT_OR_NONE),
    },
    "AllBlocksCleared": {"medium": Field(1, *_TEXT_OR_NONE)},
    "BlockTransferred": {
        "block_hashes": Field(1, *_HASHES, True, True),
        "from_medium": Field(2, *_TEXT_OR_NONE, True, True),
        "to_medium": Field(3, *_TEXT_OR_NONE, True, True),
        "group_idx": Field(4, *COUNT_OR_NONE),
    },
}
# In arrays a tag has one length, whatever is given: that of vLLM's last release that wrote arrays (#40984).
ARRAY_LENGTHS = {"BlockStored": 12, "BlockRemoved": 4, "BlockTransferred": 5}
PLACES: Mapping[str, Mapping[int, str]] = {
    tag: {field.place: name for name, field in fields.items() if field.place is not None}
    for tag, fields in FIELDS.items()
}
