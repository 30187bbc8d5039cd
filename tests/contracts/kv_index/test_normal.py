"""Batches of format A as events of an index."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trueup_contracts.kv_index import Source, normalise, recipe
from trueup_contracts.kv_index.normal import as_u64

SOURCE = Source("tcp://10.0.0.7:5557", {"tcp://10.0.0.7:5557": 7, "tcp://10.0.0.8:5557": 8}, sequence=41)
STORED = {
    "type": "BlockStored",
    "block_hashes": [-1, 12],
    "parent_block_hash": None,
    "token_ids": [1, 2, 3, 4],
    "block_size": 2,
}


def batch(*events: dict[str, Any], rank: Any = None) -> dict[str, Any]:
    return {"ts": 1.5, "events": list(events), "data_parallel_rank": rank}


def test_a_store_gets_local_hashes_from_its_tokens() -> None:
    assert normalise(batch(STORED), SOURCE) == [
        {
            "worker_id": 7,
            "event": {
                "event_id": 41,
                "dp_rank": 0,
                "data": {
                    "stored": {
                        "parent_hash": None,
                        "blocks": [
                            {"block_hash": 2**64 - 1, "tokens_hash": recipe.local_hash([1, 2])},
                            {"block_hash": 12, "tokens_hash": recipe.local_hash([3, 4])},
                        ],
                    }
                },
                "block_size": 2,
            },
        }
    ]


def test_removals_and_clears_keep_their_order_and_rank() -> None:
    removed = {"type": "BlockRemoved", "block_hashes": [{"i64": "-2"}, {"u64": "3"}, {"bytes": "00" * 24 + "ff" * 8}]}
    found = normalise(batch(removed, {"type": "AllBlocksCleared"}, rank=3), SOURCE)
    assert [one["event"]["data"] for one in found] == [
        {"removed": {"block_hashes": [2**64 - 2, 3, 2**64 - 1]}},
        "cleared",
    ]
    assert {one["event"]["dp_rank"] for one in found} == {3}


HASHES = [
    (0, 0),
    (-1, 2**64 - 1),
    (-(2**63), 2**63),
    (2**64 - 1, 2**64 - 1),
    (bytes(24) + bytes([0, 0, 0, 0, 0, 0, 1, 2]), 258),
    (bytes(range(32)), 0x18191A1B1C1D1E1F),
    (b"\x01\x02", 258),
]


@pytest.mark.parametrize(("value", "due"), HASHES)
def test_hashes_become_unsigned_integers_of_64_bits(value: Any, due: int) -> None:
    assert as_u64(value) == due


@given(st.integers(0, 2**64 - 1))
def test_a_hash_is_the_same_however_it_is_written(one: int) -> None:
    signed = one - 2**64 if one >= 2**63 else one
    forms: list[Any] = [one, signed, one.to_bytes(8, "big"), bytes(24) + one.to_bytes(8, "big"), {"u64": str(one)}]
    forms += [{"i64": str(signed)}, {"bytes": one.to_bytes(32, "big").hex()}]
    assert {as_u64(form) for form in forms} == {one}


def test_medium_and_identity_stand_beside_the_data() -> None:
    told = {**STORED, "medium": "CPU_PINNED", "lora_name": "french", "metadata": {"cache_salt": "s"}, "group_idx": 0}
    [found] = normalise(batch(told, rank=None), SOURCE)
    beside = {name: value for name, value in found["event"].items() if name not in ("event_id", "dp_rank", "data")}
    assert beside == {
        "tier": "cpu",
        "identity": {"lora_name": "french", "cache_salt": "s", "group_idx": 0},
        "block_size": 2,
    }


WRONG = [
    (batch({**STORED, "block_hashes": [2**64, 1]}), "event 0 of the batch: 18446744073709551616 is no hash"),
    (batch({**STORED, "block_hashes": ["a", 1]}), "event 0 of the batch: 'a' is no hash"),
    (batch({**STORED, "block_hashes": [True, 1]}), "event 0 of the batch: True is no hash"),
    (batch({**STORED, "token_ids": [1, 2, 3]}), "2 blocks of 2 tokens have 3 token_ids"),
    (batch({**STORED, "block_size": 0}), "2 blocks of 0 tokens have 4 token_ids"),
    (batch({**STORED, "token_ids": [1, 2, 3, 2**32]}), "the token 4294967296 is no integer of 32 bits"),
    (batch({**STORED, "medium": "TAPE"}), "the medium 'TAPE' is unknown; known are GPU, CPU"),
    (batch({"type": "AllBlocksCleared"}, {"type": "Moved"}), "event 1 of the batch: the type 'Moved' is unknown"),
    (batch(STORED, rank=-1), "data_parallel_rank is -1"),
    ({}, "events is missing: a list is due"),
    ({"events": "BlockStored"}, "events is 'BlockStored': a list is due"),
    ({"events": [["BlockStored"]]}, r"event 0 of the batch: \['BlockStored'\] is no event"),
    (batch({"type": "BlockRemoved"}), "event 0 of the batch: block_hashes is missing"),
    (batch({**STORED, "block_hashes": 7}), "event 0 of the batch: block_hashes is 7: a list is due"),
    (batch({**STORED, "token_ids": "abcd"}), "event 0 of the batch: token_ids is 'abcd': a list is due"),
    (batch({**STORED, "block_size": None}), "2 blocks of None tokens have 4 token_ids"),
    (batch({**STORED, "parent_block_hash": {"i64": None}}), "event 0 of the batch: {'i64': None} is no hash"),
    (batch({**STORED, "medium": ["GPU"]}), r"the medium \['GPU'\] is unknown"),
    (batch({**STORED, "metadata": ["salt"]}), r"the metadata are \['salt'\]: a mapping is due"),
]


@pytest.mark.parametrize(("told", "why"), WRONG)
def test_what_is_wrong_is_said(told: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        normalise(told, SOURCE)


def test_an_endpoint_that_is_nobodys_is_said() -> None:
    with pytest.raises(
        ValueError, match=r"no worker is known at 'tcp://x:1'; known are tcp://10\.0\.0\.7:5557, tcp://"
    ):
        normalise(batch(STORED), Source("tcp://x:1", SOURCE.worker_ids))
    with pytest.raises(ValueError, match="the worker id at 'tcp://x:1' is -1"):
        normalise(batch(STORED), Source("tcp://x:1", {"tcp://x:1": -1}))
