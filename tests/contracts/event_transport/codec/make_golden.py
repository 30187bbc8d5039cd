"""Writes the golden messages: `PYTHONPATH=tests python -m contracts.event_transport.codec.make_golden`.

The bytes of A are what msgspec makes of the structs in `published.py`; their meaning is told from what was put into
the structs, and never by the kit's own decoder. A test compares the files with what this writes.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from contracts.event_transport.codec.malformed import MALFORMED
from contracts.event_transport.codec.published import MADE_UP, RELEASES, Release
from trueup_contracts.event_transport.codec.fields import by_name
from trueup_contracts.event_transport.codec.golden import FOLDER
from trueup_contracts.wire.values import encoded

TS = 1_789_095_808.8378847
UNSIGNED = [15_760_518_052_499_183_552, 9_604_921_730_456_098_113]
SIGNED = [-3_298_456_123_456_789_012, 7_203_117_893_214_556_001]
DIGESTS = [hashlib.sha256(text).digest() for text in (b"block 0", b"block 1")]
TOKENS = [151_644, 872, 198, 9_064, 374, 279, 6_722, 315, 5_616, 30, 151_645, 198, 151_644, 77_091, 198, 151_667]
TOPIC = "kv-events"
Event = tuple[str, dict[str, Any]]


def _stored(hashes: Sequence[Any], parent: Any = None, **more: Any) -> dict[str, Any]:
    tokens = TOKENS * len(hashes)
    return {"block_hashes": list(hashes), "parent_block_hash": parent, "token_ids": tokens, "block_size": 16, **more}


def _cases() -> Iterator[tuple[str, str, str, int, list[Event], list[Any]]]:
    """Release, name, topic, sequence, events, and the batch's fields behind them."""
    first = {"lora_id": None}
    for name, hashes in (("vllm-first", SIGNED), ("sglang-first", SIGNED)):
        yield name, "stored, removed and cleared", "", 0, _all_kinds(hashes, first, {}), []
        yield name, "a child, with an adapter", "", 1, [("BlockStored", _stored([hashes[1]], hashes[0], lora_id=3))], []
    gpu = {**first, "medium": "GPU"}
    yield "vllm-medium", "tiers", TOPIC, 2, _all_kinds(UNSIGNED, gpu, {"medium": "CPU"}), [0]
    named = {"lora_id": 1, "medium": "GPU", "lora_name": "sql-adapter"}
    yield "vllm-lora-name", "an adapter's block", TOPIC, 3, _all_kinds(DIGESTS, named, {"medium": "GPU"}), [0]
    salted = {**named, "extra_keys": [("sql-adapter", "tenant-a"), None]}
    yield (
        "vllm-extra-keys",
        "a salt in the extra keys",
        TOPIC,
        4,
        _all_kinds(DIGESTS, salted, {"medium": "GPU"}),
        [1],
    )
    pixels = [[("image-7f3a", 0)], [("image-7f3a", 16), b"\x00\x01"]]
    several = {**salted, "extra_keys": pixels, "group_idx": 2}
    removed = {"medium": "GPU", "group_idx": 2}
    yield "vllm-group-idx", "two layer groups", TOPIC, 5, _all_kinds(DIGESTS, several, removed), [1]
    window = {**several, "kv_cache_spec_kind": "sliding_window", "kv_cache_spec_sliding_window": 1_024}
    for name, sequence in (("vllm-spec-kind", 6), ("vllm-map", 7), ("vllm-array-of-maps", 8)):
        yield name, "every field, hashes of bytes", TOPIC, sequence, _all_kinds(DIGESTS, window, removed), [1]
        yield name, "every field, unsigned hashes", TOPIC, sequence, _all_kinds(UNSIGNED, window, removed), [0]
        plain = {**first, "medium": None, "lora_name": None}
        yield name, "no optional field", TOPIC, sequence + 10, _all_kinds(SIGNED, plain, {"medium": None}), [None]
        yield name, "no event", TOPIC, sequence + 20, [], [0]
    captured = {**first, "medium": "GPU", "lora_name": None, "extra_keys": [None], "group_idx": 0}
    captured["kv_cache_spec_kind"] = "full_attention"
    one = [("BlockStored", _stored(UNSIGNED[:1], **captured))]
    yield "vllm-array-of-maps", "as captured from 0.26", TOPIC, 0, one, [0]
    pod = "kv@10.244.3.17:8000@meta-llama/Llama-3.1-8B-Instruct"
    yield "vllm-array-of-maps", "a topic of llm-d", pod, 31, one, [0]
    yield "vllm-spec-kind", "a topic of llm-d", pod, 31, one, [0]
    remote = {**window, "locality": "REMOTE", "ownership": "fs-tier", "session_id": "session-41"}
    gone = {**removed, "locality": "REMOTE", "ownership": "fs-tier"}
    yield "vllm-session", "where a block lies, and who asked for it", TOPIC, 9, _all_kinds(DIGESTS, remote, gone), [1]
    pinned = {**first, "medium": "CPU_PINNED"}
    yield "sglang-medium", "tiers", "", 10, _all_kinds(SIGNED, pinned, {"medium": "DISK"}), [3]
    salty = {**first, "medium": "GPU", "metadata": {"cache_salt": "tenant-a"}}
    both = [("BlockStored+metadata", _stored(SIGNED[:1], **salty)), ("BlockStored", _stored(SIGNED[1:], **gpu))]
    both += _cleared(SIGNED)
    yield "sglang-salt", "with a salt and without one: two lengths under one tag", "", 11, both, [0]
    tenant = {**gpu, "cache_salt": "tenant-a", "session_id": "session-41"}
    yield "sglang-maps", "a salt and a session", "", 12, _all_kinds(SIGNED, tenant, {"medium": "GPU"}), [None]
    keys = {**named, "locality": "LOCAL", "mm_keys": [[{"type": "mm_key", "hash": "9f", "start_offset": 4}], []]}
    several_ids = {**_stored(UNSIGNED, **keys), "token_ids": [1, 2, "mm:9f", 3] * 8}
    yield "tensorrt-llm", "multimodal keys", "trtllm", 13, [("BlockStored", several_ids), *_cleared(UNSIGNED)], [2]
    offset = {"medium": "CPU", "token_offset": 64}
    moved = ("BlockTransferred", {"block_hashes": SIGNED, "from_medium": "GPU", "to_medium": "CPU"})
    atoms = [*_all_kinds(SIGNED, offset, {"medium": "CPU", "group_idx": 0}), moved]
    yield "atom", "offsets and moves between tiers", "atom", 14, atoms, [0]
    yield from _tomorrow()


def _tomorrow() -> Iterator[tuple[str, str, str, int, list[Event], list[Any]]]:
    least, most = -(1 << 63), (1 << 64) - 1
    edges = [0, 1, (1 << 63) - 1, 1 << 63, most, -1, least]
    known = {"lora_id": 0, "medium": "", "lora_name": "ü\u202e\x1b[31m", "extra_keys": [], "group_idx": 0}
    for name in MADE_UP:
        edge = _stored(edges, most, **known)
        edge["token_ids"] = [0, (1 << 31) - 1, 1 << 31, (1 << 32) - 1, (1 << 53) + 1]
        yield name, "64-bit edges", "", most - 1, [("BlockStored", edge)], [0]
        yield name, "no sign at 2^63", TOPIC, 1 << 63, [("BlockStored", _stored([1 << 63], -1, **known))], [0]
        empty = {
            **known,
            "lora_name": "",
            "block_hashes": [],
            "parent_block_hash": None,
            "token_ids": [],
            "block_size": 0,
        }
        yield name, "nothing in it", TOPIC, 1, [("BlockStored", empty), *_cleared([])], [None]
        odd = {"temperature": 0.1, "owners": [{"pod": "a", "age_s": 1.0}, None, b"\xff", 1 << 60]}
        more = [("BlockStored", _stored(UNSIGNED, **known, **odd)), *_cleared(UNSIGNED, temperature=float("inf"))]
        yield name, "unknown fields", TOPIC, 2, more, [0, "epoch-7"]
        quantized = ("BlockQuantized", {"block_hashes": UNSIGNED, "bits": 4})
        yield name, "an event that nobody knows", TOPIC, 3, [quantized, *more[1:]], [0]


def _cleared(hashes: Sequence[Any], **more: Any) -> list[Event]:
    removed = {"block_hashes": list(hashes), "medium": "GPU", **more}
    return [("BlockRemoved", removed), ("AllBlocksCleared", {})]


def _all_kinds(hashes: Sequence[Any], stored: Mapping[str, Any], removed: Mapping[str, Any]) -> list[Event]:
    first = ("BlockStored", _stored(hashes, **stored))
    return [first, ("BlockRemoved", {"block_hashes": [hashes[0]], **removed}), ("AllBlocksCleared", {})]


def _meaning(release: Release, ts: float, events: Sequence[Event], rest: Sequence[Any]) -> dict[str, Any]:
    unknown = {}
    if len(rest) > 1:
        unknown = {"epoch" if release.dialect == "map" else "3": rest[1]}
    if "epoch" in release.batch and release.dialect != "map" and len(rest) < 2:
        unknown = {"3": None}
    return {
        "ts": ts,
        "events": [_event(release, name, fields) for name, fields in events],
        "data_parallel_rank": rest[0] if rest else None,
        "unknown": unknown,
    }


def _event(release: Release, name: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    tag = name.partition("+")[0]
    known = by_name(tag)
    found: dict[str, Any] = {"type": tag}
    unknown: dict[str, Any] = {}
    for place, (one, value) in enumerate(release.written(name, fields).items(), 1):
        if one not in known:
            unknown[str(place) if release.dialect == "array" else one] = value
        elif one == "block_hashes":
            found[one] = [_hash(each) for each in value]
        elif one == "parent_block_hash":
            found[one] = None if value is None else _hash(value)
        else:
            found[one] = value
    return {**found, "unknown": unknown}


def _hash(value: int | bytes) -> dict[str, str]:
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    return {"i64" if value < 0 else "u64": str(value)}


def _source(release: Release) -> dict[str, str]:
    return {"project": release.project, "release": release.release, "url": release.source}


def _golden_a() -> Iterator[dict[str, Any]]:
    for name, case, topic, sequence, events, rest in _cases():
        release = {**RELEASES, **MADE_UP}[name]
        payload = release.payload(TS, events, *rest)
        yield {
            "name": f"{name}: {case}",
            "source": _source(release),
            "format": "A",
            "dialect": release.dialect if events or release.dialect == "map" else None,
            "frames": [frame.hex() for frame in (topic.encode(), sequence.to_bytes(8, "big"), payload)],
            "message": {
                "topic": topic,
                "sequence": sequence,
                "publisher_id": None,
                "batch": _meaning(release, TS, events, rest),
            },
        }


_DYNAMO = "https://github.com/ai-dynamo/dynamo/blob/{}/lib/runtime/src/transports/event_plane/{}"
_ENVELOPES = {
    "Dynamo: an envelope": ("main", _DYNAMO.format("0a8ea9dd4ac6f6ac7c2a04c14191e7b201237f81", "zmq_transport.rs"), {}),
    "Dynamo: an envelope that tells nanoseconds too": (
        "main",
        _DYNAMO.format("bf0be57c8cf201ff2d95c1894a7e11792a3ff21b", "codec.rs"),
        {"published_at_ns": 1_789_095_808_837_884_700},
    ),
}


def _golden_b() -> Iterator[dict[str, Any]]:
    for name, (release, url, more) in _ENVELOPES.items():
        for publisher, sequence, payload in (
            (12_345, 42, b"test payload"),
            ((1 << 64) - 1, (1 << 64) - 1, b""),
            (1 << 63, 0, bytes(range(256)) * 2),
        ):
            topic = "namespace.dynamo.kv-events"
            envelope = {
                "publisher_id": publisher,
                "sequence": sequence,
                "published_at": 1_789_095_808_837,
                "topic": topic,
                "payload": payload,
                **more,
            }
            packed = msgspec.msgpack.encode(envelope)
            ids = publisher.to_bytes(8, "big"), sequence.to_bytes(8, "big")
            frames = (topic.encode(), *ids, struct.pack(">BI", 1, len(packed)) + packed)
            yield {
                "name": f"{name}, publisher {publisher}",
                "source": {"project": "Dynamo", "release": release, "url": url},
                "format": "B",
                "dialect": None,
                "frames": [frame.hex() for frame in frames],
                "message": {
                    "topic": topic,
                    "sequence": sequence,
                    "publisher_id": publisher,
                    "batch": {"payload": payload, "published_at_ms": 1_789_095_808_837},
                },
            }


def files() -> dict[str, str]:
    """The text of each file by its name."""
    by_file: dict[str, list[dict[str, Any]]] = {}
    for case in (*_golden_a(), *_golden_b()):
        project = case["source"]["project"]
        name = {"trueup": "tomorrow", "Dynamo": "event-plane"}.get(project, project.lower())
        by_file.setdefault(name, []).append({**case, "message": encoded(case["message"])})
    by_file["malformed"] = [one.told() for one in MALFORMED]
    return {f"{name}.json": _text(cases) for name, cases in by_file.items()}


def _text(cases: list[dict[str, Any]]) -> str:
    lines = ",\n".join(json.dumps(case, ensure_ascii=True) for case in cases)
    return f"[\n{lines}\n]\n"


def main(folder: Path = FOLDER) -> None:
    """Writes the files, and removes what is none of them."""
    written = files()
    for name, text in written.items():
        (folder / name).write_text(text, encoding="utf-8")
    for path in folder.glob("*.json"):
        if path.name not in written:
            path.unlink()


if __name__ == "__main__":
    main()
