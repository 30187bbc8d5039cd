"""The contract of a cache of tensors that is bounded in bytes."""

from __future__ import annotations

from pathlib import Path

from trueup_contracts.embedding_cache.fill import Fill
from trueup_contracts.embedding_cache.hardware import cuda_missing
from trueup_contracts.registry import SuiteInfo

__all__ = ["SUITE", "Fill"]

SUITE = SuiteInfo(
    name="embedding-cache",
    module="trueup_contracts.embedding_cache.suite",
    capabilities={
        "keys": "keys(): least to most recent",
        "stats": "stats(): entries, current_bytes, capacity_bytes, utilization, hits, misses, evictions, hit_rate",
        "remove": "remove(key): whether there was one",
        "clear": "clear(): the removed keys, in eviction order",
        "delta": "set_with_delta(key, tensor): stored, added_keys, removed_keys",
        "pinning": "pin(key) and unpin(key): what is pinned is never evicted",
        "shrink": "shrink_to(bytes): the removed keys, in eviction order",
        "get_or_compute": "get_or_compute(key, compute): one computation per key at a time",
        "metrics": "metrics_text(): a Prometheus exposition, as bytes",
        "threads": "calls from several threads at once",
        "cuda": "device='cuda'",
        "streams": "CUDA streams: set and get on different ones",
        "copies_on_set": "what is kept is a contiguous copy, and costs its elements",
        "copies_on_get": "what is handed out is a copy",
        "any_layout": "tensors that are not contiguous are stored",
        "shared_storage": "storage that two entries share is counted once",
    },
    spec=Path(__file__).with_name("SPEC.md"),
    wire_schema=Path(__file__).with_name("wire.schema.json"),
    modules={"torch": "torch"},
    hardware={"cuda": cuda_missing, "streams": cuda_missing},
    codec="trueup_contracts.embedding_cache.fill",
    reads=frozenset("len contains current_bytes capacity_bytes keys stats metrics_text".split()),
    adapters={
        name: f"trueup_contracts.embedding_cache.adapters:{attribute}"
        for name, attribute in {
            "cachetools": "CachetoolsLRU",
            "dynamo": "dynamo",
            "sglang": "SglangStatic",
            "vllm": "VllmEncoderCache",
        }.items()
    },
)
