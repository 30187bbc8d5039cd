"""The Redis backend on a real server: the suite's laws, several processes, loss of the connection, hostile values."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import pickle
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest
import redis
import torch

from contracts.suite_runs import verdicts
from fix_redis import RedisServer
from reference_impl.embedding_cache.redis_entries import PATIENT_S, bytes_of, entry
from reference_impl.embedding_cache.sharing_processes import fill
from trueup_contracts.embedding_cache import SUITE
from trueup_contracts.profile import Profile
from trueup_reference.embedding_cache import EmbeddingCache, UnsupportedTensorError
from trueup_reference.embedding_cache.backends import Backend, open_cache
from trueup_reference.embedding_cache.backends.redis_cache import RedisCache

TESTS = Path(__file__).parents[2]


class Factory:
    """What the suite opens: each cache in a namespace of its own."""

    capabilities = frozenset(
        "keys stats remove clear shrink get_or_compute metrics threads any_layout copies_on_set copies_on_get".split()
    )

    def __init__(self, url: str) -> None:
        self._url = url

    def __call__(self, capacity_bytes: int, device: str) -> RedisCache:
        return RedisCache(self._url, capacity_bytes, device, namespace=uuid.uuid4().hex, timeout_s=PATIENT_S)


# Thousands of calls to a server, or threads that take turns between instructions.
SLOW = {"EC-050", "EC-051", "EC-052", "EC-112"}
# A copy on its way to the server that finds no memory here: evicting what the server holds gives none back.
NOT_OF_THIS_PROCESS = {"EC-046"}
ASKED = [
    pytest.param(one.id, marks=[pytest.mark.slow] if one.id in SLOW else [])
    for one in SUITE.requirements.values()
    if not one.untestable and one.id not in NOT_OF_THIS_PROCESS and one.needs <= Factory.capabilities | {"in_process"}
]


@pytest.mark.parametrize("requirement", ASKED)
def test_it_meets_the_contract(shared_redis: RedisServer, requirement: str) -> None:
    profile = Profile("quick", 20261125)
    assert verdicts("embedding-cache", Factory(shared_redis.url), profile, only=requirement) == {}


def test_most_of_the_contract_is_asked() -> None:
    assert len(ASKED) > 40


def test_both_backends_are_chosen_by_a_line(shared_redis: RedisServer) -> None:
    for where in ("memory", shared_redis.url):
        chosen: Backend = open_cache(where, 100)
        assert chosen.set("a", bytes_of(60))
        assert chosen.set_many({"b": bytes_of(60), "c": bytes_of(101)}) == {"b": True, "c": False}
        got = chosen.get_many(["a", "b"])
        assert got[0] is None
        assert got[1] is not None
        assert (chosen.keys(), chosen.current_bytes, len(chosen), "b" in chosen) == (["b"], 60, 1, True)
        assert chosen.clear() == ["b"]


@pytest.mark.parametrize("where", ["disk", "http://user:secret@host", "redis:secret@host", "Redis://secret@host", ""])
def test_another_backend_is_refused_without_telling_a_password(where: str) -> None:
    with pytest.raises(ValueError, match="no backend: memory, redis://") as caught:
        open_cache(where, 100)
    assert "secret" not in str(caught.value)


DTYPES = "bool uint8 uint32 int64 float8_e4m3fn float16 bfloat16 float64 complex64".split()


@pytest.mark.parametrize("dtype", [getattr(torch, name) for name in DTYPES], ids=str)
@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (5, 7)], ids=str)
def test_bytes_dtype_and_shape_come_back(cache: RedisCache, dtype: torch.dtype, shape: tuple[int, ...]) -> None:
    raw = torch.randint(0, 2 if dtype is torch.bool else 256, (*shape, dtype.itemsize), dtype=torch.uint8)
    tensor = raw.view(dtype).reshape(shape)
    assert cache.set("a", tensor)
    got = cache.get("a")
    assert got is not None
    assert (got.dtype, got.shape) == (dtype, tensor.shape)
    assert torch.equal(got.reshape(-1, 1).view(torch.uint8), tensor.reshape(-1, 1).view(torch.uint8))
    got.zero_()  # memory of its own, that may be written


def test_a_dtype_that_the_format_lacks_is_refused_and_nothing_changes(cache: RedisCache) -> None:
    cache.set("a", bytes_of(1))
    with pytest.raises(UnsupportedTensorError, match=r"safetensors has no torch\.complex128"):
        cache.set("a", torch.zeros(2, dtype=torch.complex128))
    with pytest.raises(UnsupportedTensorError):
        cache.set_many({"b": bytes_of(1), "c": torch.zeros(2, dtype=torch.complex128)})
    assert cache.keys() == ["a"]


def test_keys_are_kept_apart_and_come_back_whole(cache: RedisCache) -> None:
    keys = ["", "a", "A", "a ", "a\n", "ä", "a" * 5000, "\ud800", "{a}", "a:b", "\x00"]
    for number, key in enumerate(keys):
        cache.set(key, bytes_of(1, number))
    assert cache.keys() == keys
    for number, key in enumerate(keys):
        got = cache.get(key)
        assert got is not None
        assert got.item() == number
    with pytest.raises(TypeError, match="a key is a str, this is a bytes"):
        cache.get(b"a")  # type: ignore[arg-type]


@pytest.mark.parametrize("namespace", ["", "a{b", "a}b"])
def test_a_namespace_that_breaks_the_hash_tag_is_refused(namespace: str) -> None:
    with pytest.raises(ValueError, match="namespace"):
        RedisCache("unix:///nowhere", 1, namespace=namespace)


def test_namespaces_share_nothing(shared_redis: RedisServer, cache: RedisCache) -> None:
    other = RedisCache(shared_redis.url, 1000, namespace=uuid.uuid4().hex)
    cache.set("a", bytes_of(10))
    assert (other.get("a"), len(other), other.clear()) == (None, 0, [])
    assert len(cache) == 1
    other.close()


def test_nothing_is_left_on_the_server_after_clear(cache: RedisCache, client: Any) -> None:
    for number in range(50):
        cache.set(f"{number}", bytes_of(100))
    tag = cache._prefix.split(":", maxsplit=1)[0]
    assert len(client.keys(tag.replace("{", "[{]") + "*")) == 13  # ten entries, the order, the rows, the sum
    cache.clear()
    assert client.keys(tag.replace("{", "[{]") + "*") == []


def test_two_processes_share_entries(shared_redis: RedisServer, cache: RedisCache) -> None:
    code = (
        "import sys, torch\n"
        "from trueup_reference.embedding_cache.backends.redis_cache import RedisCache\n"
        "cache = RedisCache(sys.argv[1], 1000, namespace=sys.argv[2], timeout_s=20, raises=True)\n"
        "assert cache.get('ours').tolist() == [1, 2, 3]\n"
        "assert cache.set('theirs', torch.tensor([4.5]))\n"
    )
    cache.set("ours", torch.tensor([1, 2, 3]))
    namespace = cache._prefix[1:].split("}", maxsplit=1)[0]
    subprocess.run([sys.executable, "-c", code, shared_redis.url, namespace], check=True, timeout=60)
    theirs = cache.get("theirs")
    assert theirs is not None
    assert theirs.tolist() == [4.5]
    assert cache.keys() == ["ours", "theirs"]


def test_the_bound_holds_over_thousands_of_sets_from_four_processes(own_redis: RedisServer) -> None:
    capacity, rounds = 10_000, 1000
    argv = [sys.executable, "-m", "reference_impl.embedding_cache.sharing_processes", own_redis.url]
    workers = [
        subprocess.Popen(
            [*argv, str(capacity), str(rounds), str(seed)], cwd=TESTS, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for seed in range(4)
    ]
    try:
        told = [worker.communicate(timeout=120) for worker in workers]
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
    assert [worker.returncode for worker in workers] == [0, 0, 0, 0], told
    evictions, most = zip(*(map(int, out.split()) for out, _ in told), strict=True)
    assert sum(evictions) > 300
    assert capacity * 0.5 < max(most) <= capacity

    cache = RedisCache(own_redis.url, capacity, timeout_s=PATIENT_S)
    keys = cache.keys()
    tensors = cache.get_many(keys)
    assert None not in tensors
    assert cache.current_bytes == sum(one.numel() for one in tensors if one is not None) <= capacity
    with redis.Redis.from_url(own_redis.url) as client:
        assert client.dbsize() == len(keys) + 3
    cache.close()


def test_event_loops_and_threads_share_a_computation(cache: RedisCache) -> None:
    calls: list[int] = []

    async def encode_image() -> torch.Tensor:
        calls.append(1)
        while cache.numbers()["joined"] < 5:
            await asyncio.sleep(0.001)
        return bytes_of(3)

    async def main() -> None:
        asked = [cache.get_or_compute_async("a", encode_image) for _ in range(6)]
        for got in await asyncio.wait_for(asyncio.gather(*asked), PATIENT_S):
            assert got.tolist() == [7, 7, 7]
            got.zero_()  # nobody else's

    asyncio.run(main())
    assert len(calls) == 1
    got = cache.get("a")
    assert got is not None
    assert got.tolist() == [7, 7, 7]


def test_a_near_cache_before_a_shared_one(cache: RedisCache) -> None:
    """As in the documentation: a miss in this process asks the server, and a miss there computes."""
    near = EmbeddingCache(1000)
    calls: list[int] = []

    def encode_image() -> torch.Tensor:
        calls.append(1)
        return bytes_of(3)

    for _ in range(2):
        near.get_or_compute("a", lambda: cache.get_or_compute("a", encode_image))
    EmbeddingCache(1000).get_or_compute("a", lambda: cache.get_or_compute("a", encode_image))
    assert (len(calls), cache.numbers()["hits"], cache.numbers()["misses"]) == (1, 1, 1)


@pytest.mark.filterwarnings("ignore:.*use of fork.*:DeprecationWarning")
def test_a_child_makes_connections_of_its_own(cache: RedisCache) -> None:
    cache.set("a", bytes_of(10))
    child = os.fork()
    if not child:
        ok = cache.get("a") is not None and cache.set("b", bytes_of(10))
        os._exit(0 if ok else 1)
    for _ in range(50):
        assert cache.get("a") is not None
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert cache.keys() == ["b", "a"] or cache.keys() == ["a", "b"]
    with pytest.raises(TypeError, match="RedisCache: a cache cannot be pickled"):
        pickle.dumps(cache)


def test_its_log_tells_changes_of_state_and_no_key(own_redis: RedisServer, caplog: pytest.LogCaptureFixture) -> None:
    cache = RedisCache(own_redis.url, 1000, pause_s=0)
    with caplog.at_level(logging.DEBUG), redis.Redis.from_url(own_redis.url) as client:
        cache.set("secret", bytes_of(10))
        client.set(entry(cache, "secret"), b"no tensor")
        cache.get("secret")
        own_redis.kill()
        for _ in range(5):
            cache.get("secret")
        own_redis.start()
        cache.set("secret", bytes_of(10))
    assert [record.getMessage() for record in caplog.records] == [
        "entry_corrupted cache=redis",
        "backend_down cache=redis error=ConnectionError",
        "backend_up cache=redis",
    ]
    assert "secret" not in repr([vars(record) for record in caplog.records])
    cache.close()


def test_sharing_processes_store_what_they_check() -> None:
    assert fill("key 1", 3).tolist() == fill("key 1", 1).tolist() * 3


def test_a_cache_that_is_dropped_in_a_cycle_ends_its_connections(shared_redis: RedisServer) -> None:
    gc.collect()
    before = set(os.listdir("/proc/self/fd"))
    cache: Any = RedisCache(shared_redis.url, 100)
    assert cache.get("absent") is None
    assert set(os.listdir("/proc/self/fd")) != before, "no connection was made"
    cache.itself = cache  # as a traceback may do it
    del cache
    # A socket that is left to the garbage collector warns, which is an error here.
    gc.collect()
    assert set(os.listdir("/proc/self/fd")) <= before
