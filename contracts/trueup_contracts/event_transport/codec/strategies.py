"""Messages in canonical form, drawn by hypothesis."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from trueup_contracts.event_transport.codec.fields import I64_MAX, I64_MIN, U64_MAX

_EDGES = [0, 1, 127, 128, 255, 256, 65_535, 65_536, (1 << 31) - 1, 1 << 31, (1 << 32) - 1, 1 << 32, 1 << 53]
_UNSIGNED = st.one_of(st.sampled_from([*_EDGES, I64_MAX, I64_MAX + 1, U64_MAX]), st.integers(0, U64_MAX))
_BELOW = [-1, -32, -33, -128, -129, -(1 << 15), -(1 << 15) - 1, -(1 << 31), -(1 << 31) - 1, I64_MIN]
_NEGATIVE = st.one_of(st.sampled_from(_BELOW), st.integers(I64_MIN, -1))
_DIGEST = st.binary(min_size=32, max_size=32)
_TEXT = st.sampled_from(["", "GPU", "a" * 32]) | st.text(st.characters(codec="utf-8"), max_size=12)
_HASHES = {
    "unsigned": _UNSIGNED.map(lambda number: {"u64": str(number)}),
    "signed": st.one_of(_NEGATIVE, st.integers(0, I64_MAX)).map(
        lambda number: {"i64" if number < 0 else "u64": str(number)}
    ),
    "bytes": _DIGEST.map(lambda digest: {"bytes": digest.hex()}),
}
_PLACED = {
    "lora_id": st.none() | st.integers(0, 1 << 31),
    "medium": st.none() | _TEXT,
    "lora_name": st.none() | _TEXT,
    "extra_keys": st.none() | st.lists(st.none() | st.lists(_TEXT | st.integers(0, 99), max_size=2), max_size=3),
    "group_idx": st.none() | st.integers(0, 300),
    "kv_cache_spec_kind": st.none() | _TEXT,
    "kv_cache_spec_sliding_window": st.none() | st.integers(0, 1 << 20),
}

# At both ends of each width in which MessagePack writes an integer.
EDGES: dict[str, Any] = {
    "topic": "",
    "sequence": 0,
    "publisher_id": None,
    "batch": {
        "ts": 0.0,
        "events": [
            {"type": "BlockRemoved", "block_hashes": hashes, "medium": None, "group_idx": None, "unknown": {}}
            for hashes in (
                [{"u64": str(number)} for number in (*_EDGES, I64_MAX, I64_MAX + 1, U64_MAX)],
                [{"i64": str(number)} for number in _BELOW],
            )
        ],
        "data_parallel_rank": None,
        "unknown": {},
    },
}


@st.composite
def events(draw: st.DrawFn) -> dict[str, Any]:
    """An event of a known kind, with fields that every dialect has a place for."""
    kind = draw(st.sampled_from(["BlockStored", "BlockStored", "BlockRemoved", "AllBlocksCleared"]))
    hashes = _HASHES[draw(st.sampled_from(sorted(_HASHES)))]
    if kind == "AllBlocksCleared":
        return {"type": kind, "unknown": {}}
    several = draw(st.lists(hashes, max_size=4))
    if kind == "BlockRemoved":
        given = {name: draw(_PLACED[name]) for name in ("medium", "group_idx")}
        return {"type": kind, "block_hashes": several, **given, "unknown": {}}
    return {
        "type": kind,
        "block_hashes": several,
        "parent_block_hash": draw(st.none() | hashes),
        "token_ids": draw(st.lists(st.integers(0, (1 << 32) - 1), max_size=8)),
        "block_size": draw(st.integers(1, 1 << 16)),
        **{name: draw(strategy) for name, strategy in _PLACED.items()},
        "unknown": {},
    }


def messages() -> st.SearchStrategy[dict[str, Any]]:
    """A message of format A."""
    ts = st.floats(allow_nan=False, allow_infinity=False, width=64)
    rank = st.none() | st.integers(0, 4_096)
    batch = st.fixed_dictionaries(
        {"ts": ts, "events": st.lists(events(), max_size=4), "data_parallel_rank": rank, "unknown": st.just({})}
    )
    return st.fixed_dictionaries(
        {
            "topic": _TEXT,
            "sequence": st.sampled_from([0, 1, 255, 256, 1 << 32, 1 << 63]) | st.integers(0, U64_MAX - 1),
            "publisher_id": st.none(),
            "batch": batch,
        }
    )


def planes() -> st.SearchStrategy[dict[str, Any]]:
    """A message of format B."""
    batch = st.fixed_dictionaries({"payload": st.binary(max_size=300), "published_at_ms": st.integers(0, 1 << 45)})
    return st.fixed_dictionaries({"topic": _TEXT, "sequence": _UNSIGNED, "publisher_id": _UNSIGNED, "batch": batch})
