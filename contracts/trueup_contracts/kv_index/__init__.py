"""The contract of an index that knows which worker holds which KV blocks."""

from __future__ import annotations

from pathlib import Path

from trueup_contracts.kv_index.normal import Source, normalise
from trueup_contracts.registry import SuiteInfo

__all__ = ["SUITE", "Source", "normalise"]

SUITE = SuiteInfo(
    name="kv-index",
    module="trueup_contracts.kv_index.suite",
    capabilities={
        "dump": "dump(): events that rebuild an equal index",
        "early_exit": "find_matches(local_hashes, early_exit=True)",
        "find_matches_tokens": "find_matches_tokens(tokens, lora_name=None), and the attribute recipe",
        "memory": "memory_bytes(): what the index holds, by its own account",
        "nodes": "nodes(): how many nodes it is built of",
        "stats": "stats(): unknown_parents, unknown_removals",
        "ttl": "the factory takes ttl_s and max_blocks; route(tokens, worker_id, dp_rank), advance(seconds)",
        "tiers": "the event's tier, and find_matches(local_hashes, tier=…)",
        "identity": "the event's identity, and find_matches(local_hashes, identity=…)",
        "gap_state": "the factory takes follow_ids=True; state(worker_id, dp_rank), replay(events)",
        "block_size": "an event whose block_size is another one is refused",
        "opaque_hashes": "sequence hashes are names: engines may make them by another recipe",
        "clears_all_ranks": "cleared clears every rank of the worker, not only the event's",
        "threads": "calls from several threads at once",
    },
    spec=Path(__file__).with_name("SPEC.md"),
    section="kv-index",
    wire_schema=Path(__file__).with_name("wire.schema.json"),
    modules={"xxhash": "contracts"},
    codec="trueup_contracts.kv_index.codec",
    reads=frozenset(
        "find_matches find_matches_tokens tracked_blocks dump nodes memory_bytes stats state recipe".split()
    ),
)
