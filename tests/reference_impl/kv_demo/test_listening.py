"""What the demo remembers of publishers, and what the index says of each worker."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any, cast

from trueup_reference.event_transport import BlockStored, EventBatch, Message, Subscriber, encode_batch
from trueup_reference.kv_demo import listening
from trueup_reference.kv_demo.listening import Listener
from trueup_reference.kv_index import KvIndex


class Given:
    """A subscriber that receives these payloads, and then nothing."""

    def __init__(self, payloads: Sequence[bytes]) -> None:
        self._left = list(payloads)

    def recv(self) -> Message | None:
        if not self._left:
            return None
        return Message(endpoint="e", topic="", sequence=0, publisher_id=None, payload=self._left.pop(0))


def stored(parent: int | None, *hashes: int, size: int = 2) -> bytes:
    tokens = tuple(range(1000 * hashes[0], 1000 * hashes[0] + size * len(hashes)))
    event = BlockStored(block_hashes=hashes, parent_block_hash=parent, token_ids=tokens, block_size=size)
    return encode_batch(EventBatch(ts=0.0, events=(event,)))


def heard(*payloads: bytes) -> Listener:
    listener = Listener(cast("Subscriber", Given(payloads)))
    while listener.recv() is not None:
        pass
    return listener


def test_a_prompt_is_a_whole_chain() -> None:
    listener = heard(stored(None, 1, 2), stored(2, 3))
    prompts = {tuple(listener.prompt(random.Random(seed)) or ()) for seed in range(20)}
    assert prompts == {(1000, 1001), (1000, 1001, 1002, 1003), (1000, 1001, 1002, 1003, 3000, 3001)}


def test_a_chain_whose_beginning_was_missed_is_none() -> None:
    assert heard(stored(9, 1, 2)).prompt(random.Random(1)) is None
    assert heard().prompt(random.Random(1)) is None


def test_a_chain_that_is_its_own_parent_is_none() -> None:
    listener = heard(stored(2, 1), stored(1, 2))
    assert listener.prompt(random.Random(1)) is None


def test_what_cannot_be_read_is_handed_on_all_the_same() -> None:
    listener = Listener(cast("Subscriber", Given([b"\xc1", stored(None, 1)])))
    assert listener.recv() is not None
    assert listener.recv() is not None
    assert listener.quiet == 0
    assert listener.recv() is None
    assert listener.quiet == 1


def test_what_is_remembered_is_bounded(monkeypatch: Any) -> None:
    monkeypatch.setattr(listening, "MOST_BLOCKS", 4)
    listener = heard(*(stored(None, number) for number in range(1, 9)))
    prompts = {tuple(listener.prompt(random.Random(seed)) or ()) for seed in range(40)}
    assert {prompt[0] // 1000 for prompt in prompts} == {5, 6, 7, 8}


def test_an_index_says_how_many_blocks_each_worker_holds() -> None:
    index = KvIndex(16)
    blocks = [{"block_hash": number, "tokens_hash": number} for number in (1, 2, 3)]
    for worker_id, rank, some in ((1, 0, blocks), (1, 2, blocks[:1]), (2, 0, blocks[:2])):
        data = {"stored": {"parent_hash": None, "blocks": some}}
        index.apply({"worker_id": worker_id, "event": {"event_id": 0, "dp_rank": rank, "data": data}})
    assert index.worker_blocks() == {(1, 0): 3, (1, 2): 1, (2, 0): 2}
    index.remove_worker(1)
    assert index.worker_blocks() == {(2, 0): 2}
