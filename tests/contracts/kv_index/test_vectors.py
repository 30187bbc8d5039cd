"""The golden hashes, and the recipe that the suite makes its own by."""

from __future__ import annotations

import json
import struct

import pytest
import xxhash

from trueup_contracts.kv_index import recipe
from trueup_contracts.kv_index.optional import VECTORS

FOUND = json.loads(VECTORS.read_text(encoding="utf-8"))


@pytest.mark.parametrize("vector", FOUND["recipes"]["dynamo-xxh3-1337"], ids=lambda one: str(len(one["tokens"])))
def test_golden_hashes_are_those_of_the_recipe(vector: dict[str, object]) -> None:
    tokens, size = vector["tokens"], vector["block_size"]
    assert isinstance(tokens, list)
    assert isinstance(size, int)
    local = recipe.local_hashes(tokens, size)
    assert [f"{one:016x}" for one in local] == vector["local"]
    assert [f"{one:016x}" for one in recipe.sequence_hashes(local)] == vector["sequence"]
    # The same, written out: nothing of the recipe's own code.
    blocks = [tokens[at : at + size] for at in range(0, len(tokens) - size + 1, size)]
    written = [xxhash.xxh3_64(struct.pack("<" + "I" * size, *block), seed=1337).intdigest() for block in blocks]
    chained = written[:1]
    for one in written[1:]:
        chained.append(xxhash.xxh3_64(struct.pack("<QQ", chained[-1], one), seed=1337).intdigest())
    assert (written, chained) == (local, list(recipe.sequence_hashes(local)))


def test_the_golden_hashes_say_where_they_are_from() -> None:
    assert "seed 1337" in FOUND["source"]
    assert list(FOUND["recipes"]) == [recipe.NAME]
