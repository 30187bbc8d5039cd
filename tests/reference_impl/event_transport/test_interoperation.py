"""Engines' own structs read what is written here, and the other way round.

The structs are made from the definitions that vLLM publishes (`vllm/distributed/kv_events.py` at 0181ea3): names,
order, types and defaults; `array_like` as it was before #42892, and of the batch alone, as SGLang has it since #37482.
"""

from __future__ import annotations

from types import GenericAlias
from typing import Any

import msgspec
import pytest

from trueup_reference.event_transport import (
    AllBlocksCleared,
    BlockRemoved,
    BlockStored,
    EventBatch,
    decode_batch,
    encode_batch,
)
from trueup_reference.event_transport.messages import Dialect

HASH = int | bytes
STORED: list[Any] = [
    ("block_hashes", list[HASH]),
    ("parent_block_hash", HASH | None),
    ("token_ids", list[int]),
    ("block_size", int),
    ("lora_id", int | None),
    ("medium", str | None),
    ("lora_name", str | None),
    ("extra_keys", list[tuple[Any, ...] | None] | None, None),
    ("group_idx", int | None, None),
    ("kv_cache_spec_kind", str | None, None),
    ("kv_cache_spec_sliding_window", int | None, None),
]
REMOVED: list[Any] = [("block_hashes", list[HASH]), ("medium", str | None), ("group_idx", int | None, None)]
ARRAYS: dict[Dialect, tuple[bool, bool]] = {
    "array": (True, True),
    "map": (False, False),
    "array_of_maps": (True, False),
}


class Engine:
    """The structs of an engine that writes in this dialect."""

    def __init__(self, dialect: Dialect) -> None:
        batch_is_array, events_are_arrays = ARRAYS[dialect]
        events: Any = {"tag": True, "omit_defaults": True, "array_like": events_are_arrays}
        self.stored: Any = msgspec.defstruct("BlockStored", STORED, **events)
        self.removed: Any = msgspec.defstruct("BlockRemoved", REMOVED, **events)
        self.cleared: Any = msgspec.defstruct("AllBlocksCleared", [], **events)
        fields: list[Any] = [
            ("ts", float),
            ("events", GenericAlias(list, (self.stored | self.removed | self.cleared,))),
            ("data_parallel_rank", int | None, None),
        ]
        self.batch: Any = msgspec.defstruct("KVEventBatch", fields, omit_defaults=True, array_like=batch_is_array)


OURS = EventBatch(
    ts=1764000000.25,
    events=(
        BlockStored(
            block_hashes=(-5, (1 << 64) - 1, b"\0" * 32),
            parent_block_hash=b"\1" * 32,
            token_ids=(1, 2, 3, 4),
            block_size=4,
            medium="GPU",
            lora_name="adapter",
            extra_keys=[["salt"], None],
            group_idx=1,
            kv_cache_spec_kind="sliding_window",
            kv_cache_spec_sliding_window=128,
        ),
        BlockStored(block_hashes=(7,), token_ids=(), block_size=16),
        BlockRemoved(block_hashes=(7,), medium="CPU", group_idx=2),
        AllBlocksCleared(),
    ),
    data_parallel_rank=3,
)


def theirs(engine: Engine) -> Any:
    stored = engine.stored(
        [-5, (1 << 64) - 1, b"\0" * 32],
        b"\1" * 32,
        [1, 2, 3, 4],
        4,
        None,
        "GPU",
        "adapter",
        [("salt",), None],
        1,
        "sliding_window",
        128,
    )
    bare = engine.stored([7], None, [], 16, None, None, None)
    return engine.batch(1764000000.25, [stored, bare, engine.removed([7], "CPU", 2), engine.cleared()], 3)


@pytest.mark.parametrize("dialect", ARRAYS)
def test_what_an_engine_writes_is_read(dialect: Dialect) -> None:
    found = decode_batch(msgspec.msgpack.encode(theirs(Engine(dialect))))
    assert found.dialect == dialect
    assert msgspec.structs.replace(found, dialect="map") == OURS


@pytest.mark.parametrize("dialect", ARRAYS)
def test_what_is_written_an_engines_structs_read(dialect: Dialect) -> None:
    engine = Engine(dialect)
    assert msgspec.msgpack.decode(encode_batch(OURS, dialect), type=engine.batch) == theirs(engine)


def test_maps_are_the_same_bytes() -> None:
    assert encode_batch(OURS, "map") == msgspec.msgpack.encode(theirs(Engine("map")))
