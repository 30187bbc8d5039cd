"""A discovery file is watched: what replaces it counts, what is wrong does not, and both are told."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from reference_impl.router.discovery.watching import entry, ids, until
from trueup_reference.router.discovery import DiscoveryError, FileDiscovery, StaticDiscovery, WorkerEntry, written_file


def replace(path: Path, *entries: WorkerEntry) -> None:
    """By rename, as the format says."""
    other = path.with_name(path.name + ".new")
    other.write_bytes(written_file(entries))
    other.rename(path)


def watched(path: Path, work: Callable[[FileDiscovery], Awaitable[None]]) -> None:
    async def main() -> None:
        async with FileDiscovery(path, poll_s=0.002) as discovery:
            await work(discovery)

    asyncio.run(main())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "workers.json"
    replace(path, entry("w2"), entry("w1"), entry("w1", "other"))
    return path


def test_a_file_is_read_and_read_again(path: Path) -> None:
    async def work(discovery: FileDiscovery) -> None:
        assert (ids(discovery), discovery.problem) == ({"other": ["w1"], "pool": ["w1", "w2"]}, None)
        before = discovery.workers
        replace(path, entry("w3"))
        await until(discovery, lambda: ids(discovery) == {"pool": ["w3"]})
        assert "other" in before, "what somebody holds has changed"
        replace(path)
        await until(discovery, lambda: ids(discovery) == {})

    watched(path, work)


@pytest.mark.parametrize("writes", [Path.write_bytes, lambda path, text: (path.unlink(), path.write_bytes(text))])
def test_a_wrong_file_keeps_what_was_known_and_says_so(path: Path, writes: Callable[[Path, bytes], object]) -> None:
    async def work(discovery: FileDiscovery) -> None:
        known = discovery.workers
        writes(path, b'{"version": 1, "wor')
        await until(discovery, lambda: "truncated" in (discovery.problem or ""))
        assert discovery.problem == f"{path}: Input data was truncated; what was known before is kept"
        assert discovery.workers == known
        replace(path, entry("w3"))
        await until(discovery, lambda: discovery.problem is None)
        assert ids(discovery) == {"pool": ["w3"]}

    watched(path, work)


def test_a_file_that_goes_keeps_what_was_known_until_it_is_back(path: Path) -> None:
    async def work(discovery: FileDiscovery) -> None:
        text = path.read_bytes()
        path.unlink()
        await until(discovery, lambda: discovery.problem is not None)
        assert discovery.problem == f"{path}: No such file or directory; what was known before is kept"
        assert ids(discovery)["pool"] == ["w1", "w2"]
        path.write_bytes(text)
        await until(discovery, lambda: discovery.problem is None)

    watched(path, work)


def test_a_link_that_points_elsewhere_is_another_file(path: Path) -> None:
    """As a mounted ConfigMap changes."""
    link = path.with_name("link.json")
    link.symlink_to(path)

    async def work(discovery: FileDiscovery) -> None:
        other = path.with_name("other.json")
        replace(other, entry("w9"))
        path.with_name("next").symlink_to(other)
        path.with_name("next").rename(link)
        await until(discovery, lambda: ids(discovery) == {"pool": ["w9"]})

    watched(link, work)


def test_a_change_of_the_same_size_in_the_same_tick_is_seen(path: Path) -> None:
    async def work(discovery: FileDiscovery) -> None:
        found = path.stat()
        path.write_bytes(path.read_bytes().replace(b"w2", b"w5"))
        os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))
        await until(discovery, lambda: ids(discovery)["pool"] == ["w1", "w5"])

    watched(path, work)


def test_a_pipe_in_its_place_holds_nothing_up(path: Path) -> None:
    async def work(discovery: FileDiscovery) -> None:
        path.unlink()
        os.mkfifo(path)
        await until(discovery, lambda: "not a file" in (discovery.problem or ""))
        replace(path, entry("w3"))
        await until(discovery, lambda: ids(discovery) == {"pool": ["w3"]})

    watched(path, work)


@pytest.mark.parametrize(("text", "told"), [(None, "No such file or directory"), (b"[]", "Expected `object`")])
def test_a_start_without_a_file_that_counts_is_refused(tmp_path: Path, text: bytes | None, told: str) -> None:
    path = tmp_path / "workers.json"
    if text is not None:
        path.write_bytes(text)
    with pytest.raises(DiscoveryError, match=f"^{path}: {told}"):
        asyncio.run(FileDiscovery(path).start())


def test_nobody_is_told_of_what_has_not_changed(caplog: pytest.LogCaptureFixture) -> None:
    discovery = StaticDiscovery([entry("w1")])
    told: list[int] = []

    def fails() -> None:
        raise RuntimeError("a watcher's fault")

    discovery.watch(fails)
    discovery.watch(lambda: told.append(len(discovery.workers["pool"])))
    discovery.set([entry("w1")])
    assert told == []
    discovery.set([entry("w2"), entry("w1")])
    discovery.set([entry("w1"), entry("w2")])
    discovery.set([entry("w1"), entry("w2")], "out of date")
    assert told == [2, 2]
    assert [record.getMessage() for record in caplog.records] == ["a watcher of discovery failed"] * 2
