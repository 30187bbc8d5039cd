"""Redis servers that end, hang, are full, or give entries up."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
import redis

from fix_redis import RedisServer
from reference_impl.embedding_cache.redis_entries import PATIENT_S, bytes_of, entry
from trueup_reference.embedding_cache.backends.redis_cache import RedisCache
from trueup_reference.embedding_cache.errors import BackendError


def test_a_killed_server_is_a_miss_and_a_new_one_is_used(own_redis: RedisServer) -> None:
    cache = RedisCache(own_redis.url, 1000, pause_s=0)
    assert cache.set("a", bytes_of(10))
    own_redis.kill()
    assert cache.get("a") is None
    assert cache.set("b", bytes_of(10)) is False
    assert cache.set_many({"b": bytes_of(10), "c": bytes_of(10)}) == {"b": False, "c": False}
    assert cache.get_many(["a", "b"]) == [None, None]
    assert cache.get_or_compute("c", lambda: bytes_of(3)).tolist() == [7, 7, 7]
    assert (cache.remove("a"), cache.clear(), cache.keys(), cache.shrink_to(0)) == (False, [], [], [])
    assert (len(cache), "a" in cache, cache.current_bytes) == (0, False, 0)
    now = cache.numbers()
    assert now["backend_up"] == 0
    assert now["backend_errors"] >= 12
    assert now["misses"] == 4
    assert "bytes" not in now
    assert b'trueup_embedding_cache_backend_up{cache="redis"} 0.0' in cache.metrics_text()
    own_redis.start()
    assert cache.set("a", bytes_of(10))
    assert cache.get("a") is not None
    assert cache.numbers()["backend_up"] == 1
    cache.close()


def test_a_server_that_stops_answering_costs_one_timeout_a_pause(own_redis: RedisServer) -> None:
    cache = RedisCache(own_redis.url, 1000, timeout_s=0.2, pause_s=60)
    assert cache.set("a", bytes_of(10))
    own_redis.pause()
    try:
        begun = time.monotonic()
        for _ in range(100):
            assert cache.get("a") is None
        assert time.monotonic() - begun < 5
    finally:
        own_redis.resume()
    now = cache.numbers()
    # The last one that was skipped is the question of the metrics for the sizes.
    assert (now["backend_errors"], now["backend_skipped"], now["misses"]) == (1, 100, 100)
    cache.close()


def test_a_server_that_goes_while_threads_ask_ends_no_thread(own_redis: RedisServer) -> None:
    cache = RedisCache(own_redis.url, 10_000, pause_s=0.01, max_connections=4)
    stop = threading.Event()
    errors: list[BaseException] = []
    served = threading.Barrier(5)

    def work(number: int) -> None:
        try:
            cache.set(f"{number}", bytes_of(100))
            served.wait(PATIENT_S)
            while not stop.is_set():
                cache.set(f"{number}", bytes_of(100))
                got = cache.get(f"{number}")
                assert got is None or got.tolist() == [7] * 100
        except BaseException as error:  # noqa: BLE001  (told to the test)
            errors.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    served.wait(PATIENT_S)
    for _ in range(3):
        own_redis.kill()
        before = cache.numbers()["hits"]
        own_redis.start()
        until = time.monotonic() + PATIENT_S
        while cache.numbers()["hits"] <= before and time.monotonic() < until:
            time.sleep(0.01)
        assert cache.numbers()["hits"] > before
    stop.set()
    for thread in threads:
        thread.join(PATIENT_S)
    assert errors == []
    cache.close()


def test_it_raises_where_asked_to() -> None:
    cache = RedisCache("unix:///nowhere/redis.sock", 1000, raises=True)
    with pytest.raises(BackendError, match="Redis does not answer: ConnectionError"):
        cache.get("a")
    with pytest.raises(BackendError, match="did not answer a moment ago"):
        cache.set("a", bytes_of(1))


def test_a_full_server_refuses_and_goes_on(own_redis: RedisServer) -> None:
    cache = RedisCache(own_redis.url, 10**9, timeout_s=PATIENT_S)
    with redis.Redis.from_url(own_redis.url) as client:
        client.config_set("maxmemory-policy", "noeviction")
        client.config_set("maxmemory", client.info("memory")["used_memory"] + 3_000_000)
        stored = [cache.set(f"{number}", bytes_of(1_000_000)) for number in range(6)]
        assert stored[0]
        assert not stored[5]
        assert cache.numbers()["backend_errors"] > 0
        assert cache.current_bytes == 1_000_000 * sum(stored) == 1_000_000 * len(cache.keys())
        client.config_set("maxmemory", 0)
    assert cache.set("5", bytes_of(1_000_000))
    assert cache.numbers()["backend_up"] == 1
    cache.close()


def test_what_redis_gives_up_by_itself_is_a_miss_and_leaves_the_ledger(cache: RedisCache, client: Any) -> None:
    cache.set_many({"a": bytes_of(400), "b": bytes_of(400)})
    client.delete(entry(cache, "a"))
    assert "a" not in cache
    assert cache.get("a") is None
    assert (cache.keys(), cache.current_bytes, len(cache)) == (["b"], 400, 1)
    assert (cache.numbers()["lost"], cache.numbers()["misses"]) == (1, 1)


@pytest.mark.parametrize(
    "gone", ["order", "rows", "bytes", "order rows", "rows bytes", "order bytes", "order rows bytes"]
)
def test_a_ledger_of_which_redis_gave_up_a_part_becomes_whole(cache: RedisCache, client: Any, gone: str) -> None:
    cache.set_many({f"{number}": bytes_of(300) for number in range(3)})
    tag = cache._prefix.split(":", maxsplit=1)[0]
    client.delete(*(f"{tag}:{part}" for part in gone.split()))
    for number in range(3):
        cache.get(f"{number}")
    for number in range(10, 20):
        assert cache.set(f"{number}", bytes_of(300))
    kept = cache.keys()
    assert kept == ["17", "18", "19"]
    assert cache.current_bytes == 900
    assert len(client.keys(entry(cache, "*").replace("{", "[{]"))) == len(cache) == 3
