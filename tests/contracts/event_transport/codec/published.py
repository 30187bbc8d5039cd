"""The structs that engines publish, by release: names, order, defaults and encoding, as their sources declare them.

Only those facts are here. What the fields hold is ours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

_VLLM = "https://github.com/vllm-project/vllm"
_SGLANG = "https://github.com/sgl-project/sglang"


class Release(NamedTuple):
    """A release: who wrote it, where it is declared, how batch and events are encoded, and the fields of each."""

    project: str
    release: str
    source: str
    dialect: str
    batch: str
    events: Mapping[str, str]

    @property
    def structs(self) -> dict[str, type[msgspec.Struct]]:
        """The structs by tag, `+` and what tells two of one tag apart; the batch's under its own name.

        Arrays hold every field: msgspec leaves defaults out of maps alone.
        """
        made = {"EventBatch": _struct("EventBatch", self.batch, is_array=self.dialect != "map", tag=None)}
        for name, fields in self.events.items():
            tag = name.partition("+")[0]
            made[name] = _struct(tag, fields, is_array=self.dialect == "array", tag=tag)
        return made

    def payload(self, ts: float, events: Sequence[tuple[str, Mapping[str, Any]]], *rest: Any) -> bytes:
        """The bytes of a batch, as the release's own structs write them; `rest`: its fields behind `events`."""
        structs = self.structs
        made = [structs[name](**fields) for name, fields in events]
        return msgspec.msgpack.Encoder().encode(structs["EventBatch"](ts, made, *rest))

    def written(self, name: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Of an event's fields those that its bytes hold, in order: in a map, defaults are left out."""
        struct = self.structs[name]
        defaults = dict(zip(reversed(struct.__struct_fields__), reversed(struct.__struct_defaults__), strict=False))
        held = {one: fields.get(one, defaults.get(one)) for one in struct.__struct_fields__}
        if self.dialect == "array":
            return held
        return {one: value for one, value in held.items() if one not in defaults or value != defaults[one]}


def _struct(name: str, fields: str, *, is_array: bool, tag: str | None) -> type[msgspec.Struct]:
    return msgspec.defstruct(name, _fields(fields), array_like=is_array, omit_defaults=True, gc=False, tag=tag)


def _fields(declared: str) -> list[Any]:
    """`a b =c =d:GPU`: two without a default, one whose default is nothing, one whose default is a text."""
    found: list[Any] = []
    for one in declared.split():
        name, _, default = one.removeprefix("=").partition(":")
        found.append((name, Any, default or None) if one.startswith("=") else (name, Any))
    return found


_FIRST = "block_hashes parent_block_hash token_ids block_size lora_id"
_RANKED = "ts events =data_parallel_rank"
_NAMED = f"{_FIRST} medium lora_name"
_SPECS = "=kv_cache_spec_kind =kv_cache_spec_sliding_window"


def _events(stored: str, removed: str, cleared: str = "") -> dict[str, str]:
    return {"BlockStored": stored, "BlockRemoved": removed, "AllBlocksCleared": cleared}


def _vllm(release: str, source: str, dialect: str, stored: str, removed: str, batch: str = _RANKED) -> Release:
    return Release("vLLM", release, f"{_VLLM}/{source}", dialect, batch, _events(stored, removed))


_FILE = "vllm/distributed/kv_events.py"
RELEASES: dict[str, Release] = {
    "vllm-first": _vllm(
        "#16750", f"blob/b4e69e0af33f4698e157a262cc787fe61983cd3d/{_FILE}", "array", _FIRST, "block_hashes", "ts events"
    ),
    "vllm-medium": _vllm("#19737", "pull/19737", "array", f"{_FIRST} medium", "block_hashes medium"),
    "vllm-lora-name": _vllm("#27577", "pull/27577", "array", _NAMED, "block_hashes medium"),
    "vllm-extra-keys": _vllm("#33304", "pull/33304", "array", f"{_NAMED} =extra_keys", "block_hashes medium"),
    "vllm-group-idx": _vllm(
        "#37688", "pull/37688", "array", f"{_NAMED} =extra_keys =group_idx", "block_hashes medium =group_idx"
    ),
    "vllm-spec-kind": _vllm(
        "#40984", "pull/40984", "array", f"{_NAMED} =extra_keys =group_idx {_SPECS}", "block_hashes medium =group_idx"
    ),
    "vllm-map": _vllm(
        "main, for a time (#42892)",
        f"blob/0181ea3173e53eea8cf04a86891488e3dc89bb34/{_FILE}",
        "map",
        f"{_NAMED} =extra_keys =group_idx {_SPECS}",
        "block_hashes medium =group_idx",
    ),
    "vllm-array-of-maps": _vllm(
        "0.26 (a capture of it is in https://github.com/volcano-sh/kthena/issues/1535)",
        "pull/42892",
        "array_of_maps",
        f"{_NAMED} =extra_keys =group_idx {_SPECS}",
        "block_hashes medium =group_idx",
    ),
    "vllm-session": Release(
        "vLLM",
        "main after 0.29",
        f"https://github.com/vMaroon/vllm/blob/08ee3e54203f7f5a12f85a5976cd371e6be89e11/{_FILE}",
        "array_of_maps",
        _RANKED,
        _events(
            f"{_NAMED} =extra_keys =group_idx {_SPECS} =locality =ownership =session_id",
            "block_hashes medium =group_idx =locality =ownership",
        ),
    ),
    "sglang-first": Release(
        "SGLang",
        "up to #18205",
        f"{_SGLANG}/blob/006d053f182f9b488d2bd841afa06d5f9120a258/python/sglang/srt/disaggregation/kv_events.py",
        "array",
        "ts events",
        _events(_FIRST, "block_hashes"),
    ),
    "sglang-medium": Release(
        "SGLang",
        "#18205",
        f"{_SGLANG}/pull/18205",
        "array",
        "ts events =attn_dp_rank",
        _events(f"{_FIRST} =medium", "block_hashes =medium"),
    ),
    "sglang-salt": Release(
        "SGLang",
        "#30827 to #37482: two lengths of array under one tag",
        f"{_SGLANG}/issues/38561",
        "array",
        "ts events =attn_dp_rank",
        {
            **_events(f"{_FIRST} =medium", "block_hashes =medium"),
            "BlockStored+metadata": f"{_FIRST} medium metadata",
        },
    ),
    "sglang-maps": Release(
        "SGLang",
        "#37482",
        f"{_SGLANG}/pull/37482",
        "array_of_maps",
        "ts events =attn_dp_rank",
        _events(f"{_FIRST} =medium =cache_salt =session_id", "block_hashes =medium"),
    ),
    "tensorrt-llm": Release(
        "TensorRT-LLM",
        "main (#17023)",
        "https://github.com/NVIDIA/TensorRT-LLM/blob/13599e98c71c6903a2d1a240d23be002c2109821"
        "/tensorrt_llm/_torch/pyexecutor/kv_cache_events.py",
        "array_of_maps",
        _RANKED,
        _events(
            f"{_NAMED} =extra_keys =group_idx {_SPECS} =locality =mm_keys",
            "block_hashes medium =group_idx =locality",
        ),
    ),
    "atom": Release(
        "ATOM",
        "main",
        "https://github.com/ROCm/ATOM",
        "array",
        _RANKED,
        {
            **_events(
                "block_hashes parent_block_hash token_ids block_size =lora_id =medium:GPU =lora_name =extra_keys "
                f"=group_idx {_SPECS} =token_offset",
                "block_hashes =medium:GPU =group_idx",
                "=medium",
            ),
            "BlockTransferred": "block_hashes from_medium to_medium =group_idx",
        },
    ),
}
# Not an engine's: what engines may write tomorrow, and the edges of what they may write today.
MADE_UP: dict[str, Release] = {
    f"tomorrow-{dialect.replace('_', '-')}": Release(
        "trueup",
        "made up: fields and events that no reader knows yet, and the edges of the known ones",
        "https://github.com/msgpack/msgpack/blob/master/spec.md",
        dialect,
        f"{_RANKED} =epoch",
        {
            **_events(
                f"{_NAMED} =extra_keys =group_idx {_SPECS} =token_offset =temperature =owners",
                "block_hashes medium =group_idx =temperature",
            ),
            "BlockQuantized": "block_hashes bits",
        },
    )
    for dialect in ("array", "map", "array_of_maps")
}
