"""A discovery file's workers in etcd: what the file says is there, and goes with it."""

from __future__ import annotations

import base64
import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fix_etcd import EtcdServer
from reference_impl.router.discovery.registering import Fleet, run
from reference_impl.router.discovery.test_file import replace
from reference_impl.router.discovery.watching import entry, ids, until
from trueup_reference.router.discovery import mirroring


def test_a_router_by_etcd_knows_what_the_file_says(etcd: EtcdServer, tmp_path: Path) -> None:
    path = tmp_path / "workers.json"

    async def work(fleet: Fleet) -> None:
        replace(path, entry("w1"), entry("w2", "other"))
        async with mirroring.Mirror(path, fleet.settings, poll_s=0.002) as mirror:
            await mirror.registered()
            await fleet.discovery.start()
            assert ids(fleet.discovery) == {"other": ["w2"], "pool": ["w1"]}
            replace(path, entry("w1", url="http://127.0.0.1:1"), entry("w3"))
            await until(fleet.discovery, lambda: ids(fleet.discovery) == {"pool": ["w1", "w3"]})
            await until(fleet.discovery, lambda: fleet.discovery.workers["pool"][0].url == "http://127.0.0.1:1")
            # Nothing of the entry before takes the key along.
            await fleet.remain(1.5 * fleet.settings.ttl_s, lambda: ids(fleet.discovery) == {"pool": ["w1", "w3"]})
        await until(fleet.discovery, lambda: ids(fleet.discovery) == {})

    run(Fleet(etcd), work)


def test_its_command_tells_what_cannot_be(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "workers.json"
    assert mirroring.main([str(path), "etcd://127.0.0.1:1/d"]) == 2
    assert capsys.readouterr().err == f"mirroring: {path}: No such file or directory\n"
    replace(path, entry())
    assert mirroring.main([str(path), "redis://h/d"]) == 2
    assert "is no address of etcd" in capsys.readouterr().err


def test_a_command_runs_while_they_are_there(etcd: EtcdServer, tmp_path: Path) -> None:
    path, where = tmp_path / "workers.json", f"etcd://{etcd.address}/test"
    replace(path, entry("w1"))
    # `signal.pause` would miss a signal that comes just before it.
    program = "import signal, sys; signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM]); print('up', flush=True)"
    argv = [sys.executable, "-m", "trueup_reference.router.discovery.mirroring", str(path), where]
    argv += ["--", sys.executable, "-c", f"{program}; signal.sigwait([signal.SIGTERM]); sys.exit(7)"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "up\n"
            [kept] = etcd.ask("kv/range", key="/trueup/test/workers/pool/w1")["kvs"]
            assert base64.b64decode(kept["value"]) == entry("w1").written()
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 7
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # and its command
    assert "kvs" not in etcd.ask("kv/range", key="/trueup/test/workers/pool/w1")
