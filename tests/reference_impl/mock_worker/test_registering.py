"""Workers in a discovery file: many write to it, each changes its own entry."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from trueup_reference.mock_worker.registering import registration
from trueup_reference.router.discovery import DiscoveryError, WorkerEntry, read_file, written_file


def entry(number: int, url: str | None = None) -> WorkerEntry:
    return WorkerEntry(id=f"w{number}", namespace="pool", phase="agg", url=url or f"http://127.0.0.1:{9000 + number}")


def known(path: Path) -> list[str]:
    return sorted(one.id for one in read_file(path.read_bytes(), str(path)))


def test_many_at_once_lose_nobody(tmp_path: Path) -> None:
    path = tmp_path / "workers.json"

    async def main() -> None:
        workers = [registration(str(path), entry(number)) for number in range(20)]
        await asyncio.gather(*(one.start() for one in workers))
        assert known(path) == sorted(f"w{number}" for number in range(20))
        await asyncio.gather(*(one.close() for one in workers[5:]))
        assert known(path) == [f"w{number}" for number in range(5)]
        assert sorted(one.name for one in tmp_path.iterdir()) == ["workers.json", "workers.json.lock"]

    asyncio.run(main())


def test_a_name_is_of_the_last_that_took_it(tmp_path: Path) -> None:
    path = tmp_path / "workers.json"
    path.write_bytes(written_file([entry(1), entry(2)]))

    async def main() -> None:
        first = registration(str(path), entry(1))
        second = registration(str(path), entry(1, "http://127.0.0.1:1"))
        await first.start()
        await second.start()
        await first.close()
        await first.close()
        assert known(path) == ["w1", "w2"]
        await second.close()
        assert known(path) == ["w2"]

    asyncio.run(main())


@pytest.mark.parametrize("harm", [lambda path: path.write_text("{"), lambda path: shutil.rmtree(path.parent)])
def test_what_has_become_of_the_file_does_not_keep_a_worker_from_its_end(
    tmp_path: Path, harm: Callable[[Path], object], caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "folder" / "workers.json"
    path.parent.mkdir()

    async def main() -> None:
        one = registration(str(path), entry(1))
        await one.start()
        harm(path)
        await one.close()

    asyncio.run(main())
    [record] = caplog.records
    assert record.getMessage().startswith("deregistration_failed namespace=pool id=w1 ")


def test_a_file_that_is_none_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "workers.json"
    path.write_text(json.dumps({"version": 9, "workers": []}))
    with pytest.raises(DiscoveryError, match=f"^{path}: version is 9"):
        asyncio.run(registration(str(path), entry(1)).start())
    assert json.loads(path.read_text()) == {"version": 9, "workers": []}


@pytest.mark.parametrize(
    ("where", "url", "told"),
    [
        ("redis://h/x", None, "'redis://h/x': a file's path, or etcd://HOST"),
        ("etcd://h:1", None, "the deployment is ''"),
        ("workers.json", "ftp://h", "this worker: url is 'ftp://h'"),
    ],
)
def test_what_cannot_be_is_refused(where: str, url: str | None, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        registration(where, entry(1, url), {})
