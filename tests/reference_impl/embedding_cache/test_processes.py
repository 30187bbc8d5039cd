"""Forks and pickles: what must work in a child process, and what must be refused there."""

from __future__ import annotations

import copy
import os
import pickle
import signal
import threading
import time
import traceback
from collections.abc import Callable

import pytest
import torch

from trueup_reference.embedding_cache import EmbeddingCache, ForkedError

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork"),
    # That other threads run is what these tests are about; the interpreter warns of it from 3.12 on.
    pytest.mark.filterwarnings("ignore:.*use of fork.*:DeprecationWarning"),
]
LIMIT_S = 10


def in_child(work: Callable[[], None]) -> None:
    """Runs it in a forked process, which is ended when it takes too long."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        signal.alarm(LIMIT_S)
        try:
            work()
            os._exit(0)
        except BaseException:  # noqa: BLE001  (told to the parent, whose code must not run on here)
            os.write(writing, traceback.format_exc().encode())
            os._exit(1)
    os.close(writing)
    with os.fdopen(reading, "rb") as told:
        said = told.read().decode()
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0, said or f"the child ended with {status}: it may have waited for ever"


def test_a_child_goes_on_with_its_parents_entries() -> None:
    cache = EmbeddingCache(100)
    cache.set("a", torch.arange(4))

    def work() -> None:
        got = cache.get("a")
        assert got is not None
        assert got.tolist() == [0, 1, 2, 3]
        assert cache.set("b", torch.ones(2))
        assert cache.get_or_compute("c", lambda: torch.zeros(1)).item() == 0
        assert cache.stats()["entries"] == 3
        assert b"trueup_embedding_cache_entries" in cache.metrics_text()

    in_child(work)
    assert cache.keys() == ["a"]


def test_a_fork_amid_the_work_of_other_threads_leaves_whole_ledgers_and_free_locks() -> None:
    cache = EmbeddingCache(50)
    stop = threading.Event()

    def churn(number: int) -> None:
        while not stop.is_set():
            for size in range(1, 12):
                cache.set(f"{number} {size}", torch.full((size,), size, dtype=torch.uint8))
                cache.get_or_compute(f"{number} {size + 1}", lambda: torch.ones(1, dtype=torch.uint8))

    def work() -> None:
        keys = cache.keys()
        entries = [(key, cache.get(key)) for key in keys]
        assert sum(tensor.numel() for _, tensor in entries if tensor is not None) == cache.current_bytes
        assert cache.set("new", torch.ones(50, dtype=torch.uint8))
        assert cache.keys() == ["new"]
        assert cache.get_or_compute("0 1", lambda: torch.ones(1)).item() == 1
        cache.metrics_text()

    threads = [threading.Thread(target=churn, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(20):
            in_child(work)
    finally:
        stop.set()
        for thread in threads:
            thread.join()


@pytest.mark.parametrize("which", ["the cache", "its computations"])
def test_a_lock_that_another_thread_holds_at_the_fork_is_free_in_the_child(which: str) -> None:
    cache = EmbeddingCache(50)
    lock = cache._lock if which == "the cache" else cache._flights.lock
    held = threading.Event()

    def hold() -> None:
        with lock:
            held.set()
            time.sleep(0.2)  # nothing tells when the fork has happened, or waits for this lock

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(LIMIT_S)

    def work() -> None:
        assert cache.get_or_compute("a", lambda: torch.ones(1)).item() == 1

    in_child(work)
    thread.join()
    assert cache.set("a", torch.ones(1))


def test_a_child_does_not_wait_for_a_computation_of_its_parent() -> None:
    cache = EmbeddingCache(100)
    begun, may_end = threading.Event(), threading.Event()

    def encode() -> torch.Tensor:
        begun.set()
        assert may_end.wait(LIMIT_S)
        return torch.zeros(1)

    thread = threading.Thread(target=cache.get_or_compute, args=("a", encode))
    thread.start()
    assert begun.wait(LIMIT_S)

    def work() -> None:
        assert cache.get_or_compute("a", lambda: torch.ones(1)).item() == 1

    try:
        in_child(work)
    finally:
        may_end.set()
        thread.join()
    assert cache.get_or_compute("a", lambda: torch.ones(1)).item() == 0


def test_a_fork_inside_of_a_computation_answers_in_both_processes() -> None:
    cache = EmbeddingCache(100)
    children: list[int] = []

    def encode() -> torch.Tensor:
        children.append(os.fork())
        return torch.ones(1)

    got = cache.get_or_compute("a", encode)
    if not children[0]:
        os._exit(0 if got.item() == 1 and cache.keys() == ["a"] else 1)
    _, status = os.waitpid(children[0], 0)
    assert (os.waitstatus_to_exitcode(status), got.item(), cache.keys()) == (0, 1, ["a"])


def refuses_everything(cache: EmbeddingCache) -> None:
    tensor = torch.ones(1, device=cache.device)
    calls: list[Callable[[], object]] = [
        lambda: cache.get("a"),
        lambda: cache.get_many(["a"]),
        lambda: cache.set("a", tensor),
        lambda: cache.set_many({"a": tensor}),
        lambda: cache.get_or_compute("a", lambda: tensor),
        lambda: cache.remove("a"),
        cache.clear,
        cache.keys,
        cache.stats,
        cache.metrics_text,
        lambda: cache.shrink_to(0),
        lambda: cache.pin("a"),
        lambda: cache.unpin("a"),
    ]
    for call in calls:
        with pytest.raises(ForkedError, match=r"made before the process was forked: make one in the child process"):
            call()
    assert ("a" in cache, len(cache), cache.current_bytes) == (False, 0, 0)


def test_a_cache_on_a_device_refuses_after_a_fork() -> None:
    """Of a device that every PyTorch has; its tensors have no bytes, and the cache treats it as it treats a GPU."""
    cache = EmbeddingCache(100, "meta", copies_on_set=False)
    assert cache.set("a", torch.ones(1, device="meta"))
    in_child(lambda: refuses_everything(cache))
    assert "a" in cache
    assert cache.get("a") is not None


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_a_cache_on_cuda_refuses_after_a_fork() -> None:
    cache = EmbeddingCache(100, "cuda")
    assert cache.set("a", torch.ones(1, device="cuda"))

    def work() -> None:
        with pytest.raises(ForkedError, match="made before the process was forked"):
            cache.get("a")
        assert len(cache) == 0

    in_child(work)
    assert cache.get("a") is not None


@pytest.mark.parametrize("way", [pickle.dumps, copy.copy, copy.deepcopy], ids=["pickle", "copy", "deepcopy"])
def test_pickling_and_copying_are_refused(way: Callable[[object], object]) -> None:
    with pytest.raises(
        TypeError, match="EmbeddingCache: a cache cannot be pickled or copied: make one in each process"
    ):
        way(EmbeddingCache(100))
