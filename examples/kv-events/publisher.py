"""Publishes KV events as vLLM does, without a GPU: something to point `trueup events tap` at.

`python publisher.py [ENDPOINT [REPLAY_ENDPOINT]]`: topic, sequence and a batch in MessagePack, whose events are maps in
an array, as vLLM has written them since 0.24. It waits for a subscriber, loses a few messages on purpose, and serves
one replay. Needs pyzmq and msgspec.
"""

from __future__ import annotations

import hashlib
import sys
import time

import msgspec
import zmq

TOPIC, BATCHES, LOST = b"kv-events", 12, {5, 6, 7}


def payload(number: int) -> bytes:
    """A batch: a prompt's blocks are stored, every fourth time older ones go."""
    hashes = [int.from_bytes(hashlib.sha256(b"%d.%d" % (number, block)).digest()[:8], "big") for block in range(2)]
    stored = {
        "type": "BlockStored",
        "block_hashes": hashes,
        "parent_block_hash": None,
        "token_ids": list(range(32)),
        "block_size": 16,
        "lora_id": None,
        "medium": "GPU",
        "lora_name": "sql-adapter" if number % 3 == 2 else None,
        "extra_keys": [["tenant-a"], None] if number % 5 == 1 else None,
        "group_idx": 0,
    }
    removed = {"type": "BlockRemoved", "block_hashes": hashes[:1], "medium": "GPU", "group_idx": 0}
    cleared = {"type": "AllBlocksCleared"}
    events = [stored, *([removed] if number % 4 == 3 else []), *([cleared] if number == BATCHES - 1 else [])]
    return msgspec.msgpack.encode([time.time(), events, 0])


def main(endpoint: str = "tcp://127.0.0.1:5557", replay_endpoint: str = "tcp://127.0.0.1:5558") -> None:
    """Publishes, then answers one request for a replay."""
    with zmq.Context() as context, context.socket(zmq.XPUB) as pub, context.socket(zmq.ROUTER) as replay:
        pub.bind(endpoint)
        replay.bind(replay_endpoint)
        pub.recv()  # the first subscription
        buffer = []
        for number in range(BATCHES):
            message = [TOPIC, number.to_bytes(8, "big"), payload(number)]
            buffer.append(message)
            if number not in LOST:
                pub.send_multipart(message)
        pub.send_multipart([TOPIC, b"\0\0\0\x0c", b"\xc1"])  # what no reader should fall over
        if replay.poll(60_000):
            identity, _, start = replay.recv_multipart()
            for message in buffer:
                if message[1] >= start:
                    replay.send_multipart([identity, b"", *message])
            replay.send_multipart([identity, b"", b"", b"\xff" * 8, b""])


if __name__ == "__main__":
    main(*sys.argv[1:3])
