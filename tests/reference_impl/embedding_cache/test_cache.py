"""What the suite does not ask of the cache: batches, metrics of several caches, logs, what has to be installed."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading

import pytest
import torch
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from trueup_reference.embedding_cache import CacheCollector, EmbeddingCache, UnsupportedTensorError, holding


def bytes_of(size: int, value: int = 7) -> torch.Tensor:
    return torch.full((size,), value, dtype=torch.uint8)


def test_a_batch_is_stored_in_order_and_later_ones_evict_earlier_ones() -> None:
    cache = EmbeddingCache(100)
    batch = {"a": bytes_of(60), "b": bytes_of(200), "c": bytes_of(60), "d": bytes_of(40)}
    assert cache.set_many(batch) == {"a": True, "b": False, "c": True, "d": True}
    assert (cache.keys(), cache.current_bytes) == (["c", "d"], 100)


def test_a_batch_with_a_tensor_that_cannot_be_held_stores_nothing() -> None:
    cache = EmbeddingCache(100)
    cache.set("a", bytes_of(1))
    with pytest.raises(UnsupportedTensorError):
        cache.set_many({"b": bytes_of(1), "c": torch.ones(1).to_sparse()})
    assert cache.keys() == ["a"]


def test_a_batch_is_read_in_one_step() -> None:
    """While another thread replaces all of them together: no reader sees some old and some new."""
    cache = EmbeddingCache(4)
    stop = threading.Event()

    def flip() -> None:
        value = 0
        while not stop.is_set():
            value = (value + 1) % 250
            with cache._lock:
                for key in "abcd":
                    if key in cache._ledger.entries:
                        cache._ledger.pop(key)
                    cache._ledger.add(key, holding.take(bytes_of(1, value), copies=True))

    cache.set_many({key: bytes_of(1, 0) for key in "abcd"})
    thread = threading.Thread(target=flip)
    thread.start()
    try:
        for _ in range(500):
            got = cache.get_many("abcd")
            assert len({one.item() for one in got if one is not None}) == 1
    finally:
        stop.set()
        thread.join()


def test_a_batch_counts_each_request_and_refreshes_each_entry() -> None:
    cache = EmbeddingCache(100)
    cache.set_many({key: bytes_of(1) for key in "abc"})
    got = cache.get_many(["b", "missing", "a", "a"])
    assert [one is None for one in got] == [False, True, False, False]
    assert cache.keys() == ["c", "b", "a"]
    assert (cache.stats()["hits"], cache.stats()["misses"]) == (3, 1)


def samples(text: bytes) -> dict[str, float]:
    return {
        sample.name + "".join(f" {name}={value}" for name, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def test_the_names_of_the_metrics_are_those_of_the_documentation() -> None:
    cache = EmbeddingCache(100, name="images")
    for number in range(4):
        cache.set(f"{number}", bytes_of(40))
    cache.set("large", bytes_of(101))
    cache.get("3")
    cache.get("0")
    cache.get_or_compute("computed", lambda: bytes_of(1))
    found = {name: value for name, value in samples(cache.metrics_text()).items() if "seconds" not in name}
    assert found == {
        "trueup_embedding_cache_hits_total cache=images": 1,
        "trueup_embedding_cache_misses_total cache=images": 2,
        "trueup_embedding_cache_evictions_total cache=images": 2,
        "trueup_embedding_cache_refused_total cache=images": 1,
        "trueup_embedding_cache_joined_total cache=images": 0,
        "trueup_embedding_cache_bytes cache=images": 81,
        "trueup_embedding_cache_capacity_bytes cache=images": 100,
        "trueup_embedding_cache_entries cache=images": 3,
    }


def test_computations_are_counted_by_their_time(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([10.0, 10.001, 20.0, 20.3, 30.0, 90.0])
    monkeypatch.setattr("trueup_reference.embedding_cache.base.time.perf_counter", lambda: next(clock))
    cache = EmbeddingCache(100)
    for key in "abc":
        cache.get_or_compute(key, lambda: bytes_of(1))
    found = samples(cache.metrics_text())
    prefix = "trueup_embedding_cache_compute_seconds"
    assert found[f"{prefix}_sum cache=default"] == pytest.approx(60.301)
    assert found[f"{prefix}_count cache=default"] == 3
    assert [found[f"{prefix}_bucket cache=default le={bound}"] for bound in (0.0025, 0.25, 0.5, 10.0, "+Inf")] == [
        1, 1, 2, 2, 3
    ]  # fmt: skip


def test_several_caches_in_one_registry_are_told_apart() -> None:
    images, audio = EmbeddingCache(100, name="images"), EmbeddingCache(50, name="audio")
    images.set("a", bytes_of(7))
    registry = CollectorRegistry()
    registry.register(CacheCollector(images, audio))
    text = generate_latest(registry)
    found = samples(text)
    assert found["trueup_embedding_cache_bytes cache=images"] == 7
    assert found["trueup_embedding_cache_bytes cache=audio"] == 0
    assert text.count(b"# TYPE trueup_embedding_cache_bytes gauge") == 1
    with pytest.raises(ValueError, match="these are images, images"):
        CacheCollector(images, EmbeddingCache(1, name="images"))


def test_what_was_computed_is_handed_out_where_no_copy_can_be_kept() -> None:
    cache = EmbeddingCache(1 << 60)
    cache.set("a", bytes_of(10))
    endless = bytes_of(1).expand(1 << 50)  # one byte; no machine has room for its copy
    found = cache.get_or_compute("endless", lambda: endless)
    assert found.shape == endless.shape
    assert "endless" not in cache
    assert cache.current_bytes == sum(10 for key in ("a",) if key in cache)
    assert cache.numbers()["refused"] == 1
    assert cache.set("b", bytes_of(5))


def test_a_copy_that_runs_out_of_memory_is_told_without_the_key(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = EmbeddingCache(1000, name="images")
    cache.set("secret old", bytes_of(600))
    # Nothing smaller than a machine's memory makes the allocator of the CPU fail.
    real, failures = holding.take, iter([RuntimeError("can't allocate memory")])

    def take(tensor: torch.Tensor, *, copies: bool) -> holding.Held:
        for error in failures:
            raise error
        return real(tensor, copies=copies)

    monkeypatch.setattr(holding, "take", take)
    root_before = (logging.root.level, list(logging.root.handlers))
    with caplog.at_level(logging.DEBUG, "trueup_reference"):
        assert cache.set("secret new", bytes_of(300))
    assert (logging.root.level, list(logging.root.handlers)) == root_before
    assert [(one.name, one.levelname, one.getMessage()) for one in caplog.records] == [
        (
            "trueup_reference.embedding_cache",
            "WARNING",
            "out_of_memory cache=images evicted_entries=1 wanted_bytes=300",
        )
    ]
    record = vars(caplog.records[0])
    assert record["event"] == "out_of_memory"
    assert record["fields"] == {"cache": "images", "evicted_entries": 1, "wanted_bytes": 300}
    assert record["funcName"] == "_taken"
    assert "secret" not in repr(record)


@pytest.mark.parametrize("key", ["old", "new"])
def test_a_mirror_hears_of_what_went_for_lack_of_memory(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = EmbeddingCache(1000)
    mirror = {"old", "other"}
    cache.set_many({"old": bytes_of(100), "other": bytes_of(900)})
    real, failures = holding.take, iter([RuntimeError("can't allocate memory")])

    def take(tensor: torch.Tensor, *, copies: bool) -> holding.Held:
        for error in failures:
            raise error
        return real(tensor, copies=copies)

    monkeypatch.setattr(holding, "take", take)
    stored, added, removed = cache.set_with_delta(key, bytes_of(100))
    assert stored
    assert mirror.isdisjoint(added)
    assert mirror.issuperset(removed)
    assert (mirror | set(added)) - set(removed) == (mirror - set(removed)) | set(added) == set(cache.keys())


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_needs_nothing_but_torch_and_logs_to_nobody() -> None:
    """And leaves the root logger alone."""
    code = """
import json, logging, sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("zmq", "jsonschema", "redis", "safetensors", "prometheus_client", "yaml", "numpy"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name.split(".")[0])

import torch
sys.meta_path.insert(0, Missing())
for name in [name for name in sys.modules if name.split(".")[0] in ("redis", "prometheus_client", "safetensors")]:
    del sys.modules[name]
from trueup_reference import adapters
from trueup_reference.embedding_cache import EmbeddingCache, content_key
from trueup_reference.embedding_cache.backends import open_cache
cache = open_cache("memory", 100)
cache.set(content_key(b"image"), torch.ones(3))
cache.stats()
try:
    open_cache("redis://localhost", 100)
except ImportError as error:
    print(error)
print(json.dumps([logging.root.handlers, logging.root.level]))
"""
    missing, root = run(code).splitlines()
    assert missing == "redis is not installed; the Redis backend needs: pip install 'trueup[redis]'"
    assert json.loads(root) == [[], logging.WARNING]


def test_redis_is_loaded_by_its_backend_alone() -> None:
    code = (
        "import sys\n"
        "import trueup_reference.embedding_cache.backends\n"
        "heavy = ('redis', 'safetensors', 'prometheus_client', 'zmq', 'jsonschema')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    assert run(code) == "[]\n"
