"""What keeps a router from starting is told in full, on the standard error, with status 2."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reference_impl.router.app.processes import AGG, COMMAND, GRID, written
from trueup_reference.router import __main__ as main_module

WORKERS = {"version": 1, "workers": []}


@pytest.fixture
def refused(tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Starts a router in this process, and gives what it says."""
    monkeypatch.setattr(main_module, "configure", lambda *_, **__: None)  # the logging of the tests stays as it is

    def start(*words: str, grid: Any = GRID, workers: Any = WORKERS, service: Any = None) -> str:
        given = _given(tmp_path, grid, workers, service)
        status = main_module.main([*given, *words])
        out, err = capfd.readouterr()
        assert (status, out) == (2, ""), err
        return err.replace(f"{tmp_path}{os.sep}", "")

    return start


def _given(folder: Path, grid: Any, workers: Any, service: Any) -> list[str]:
    return [
        *("--config", str(written(folder / "grid.json", grid))),
        *("--discovery", str(written(folder / "workers.json", workers))),
        *("--service", str(written(folder / "service.json", service or {}))),
        *("--model-name", "mock", "--port", "0"),
    ]


def test_a_process_ends_so_too(tmp_path: Path) -> None:
    command = [*COMMAND, *_given(tmp_path, {"mode": "aggr"}, WORKERS, None)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (2, "")
    first = "grid.json:1:10: error: /mode: there is no mode 'aggr' (did you mean 'agg'?) [grid-config/unknown-mode]"
    assert done.stderr.splitlines()[0] == f"{tmp_path}{os.sep}{first}"


def test_a_wrong_grid_ends_it_with_every_finding(refused: Callable[..., str]) -> None:
    wrong = json.dumps(GRID, indent=2).replace('"ttft_resolution": 2', '"ttft_resolution": 0')
    wrong = wrong.replace('"decode_pool_dynamo_namespaces"', '"decode_pool_dynamo_namespace"')
    *lines, last = refused(grid=wrong).splitlines()
    found = [line for line in lines if line.startswith("grid.json:")]
    assert found == [
        "grid.json:1:1: error: the field 'decode_pool_dynamo_namespaces' is missing [grid-config/missing-field]",
        "grid.json:8:3: error: /decode_pool_dynamo_namespace: there is no field 'decode_pool_dynamo_namespace' here "
        "[grid-config/unknown-field]",
        "grid.json:17:24: error: /prefill_pool_selection_strategy/ttft_resolution: 0 where at least 1 is due "
        "[grid-config/out-of-range]",
    ]
    assert "    -> decode_pool_dynamo_namespaces" in lines
    assert last.startswith("trueup: 1 grid checked in ")
    assert last.endswith(": 3 errors in 1 file")


@pytest.mark.parametrize(
    ("grid", "told"),
    [
        ("", "grid.json:1:1: error: "),
        ("{", "grid.json:1:2: error: "),
        ("[]", "grid.json:1:1: error: "),
        ('{"num_prefill_pools": ${POOLS}}', "grid.json"),
    ],
)
def test_what_is_no_grid(grid: str, told: str, refused: Callable[..., str]) -> None:
    assert refused(grid=grid).startswith(told)


def test_a_grid_that_is_not_there(tmp_path: Path, refused: Callable[..., str]) -> None:
    told = refused("--config", str(tmp_path / "other.json"))
    assert told == "trueup-router: other.json: No such file or directory\n"
    assert refused("--config", str(tmp_path)) == f"trueup-router: {tmp_path}: Is a directory\n"


@pytest.mark.parametrize(
    ("service", "told"),
    [
        ("{", "Input data was truncated"),
        ({"version": 2}, "Invalid enum value 2 - at `$.version`"),
        ({"timeouts_ms": {"connect": -1}}, "Expected `float` > 0.0 - at `$.timeouts_ms.connect`"),
        ({"timeout_ms": {}}, "Object contains unknown field `timeout_ms`"),
        ({"retry": {"same_pool_attempts": True}}, "Expected `int`, got `bool` - at `$.retry.same_pool_attempts`"),
    ],
)
def test_a_wrong_service_file(service: Any, told: str, refused: Callable[..., str]) -> None:
    assert refused(service=service) == f"trueup-router: service.json: {told}\n"


@pytest.mark.parametrize(
    ("workers", "told"),
    [
        ("", "workers.json: Input data was truncated"),
        ({"version": 2, "workers": []}, "workers.json: version is 2; 1 is known - at `$.version`"),
        (
            {"version": 1, "workers": [{"id": "w", "namespace": "p", "phase": "agg", "url": "ftp://h:1"}]},
            "workers.json: url is 'ftp://h:1'; http://HOST:PORT, https://HOST:PORT or zmq+tcp://HOST:PORT is due",
        ),
    ],
)
def test_a_wrong_discovery_file(workers: Any, told: str, refused: Callable[..., str]) -> None:
    assert refused(workers=workers).startswith(f"trueup-router: --discovery: {told}")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--discovery", "redis://h:1/x"], "--discovery: 'redis://h:1/x': a file's path, or etcd://"),
        (["--discovery", "etcd://h:1"], "--discovery: "),
        (["--token-file", "nowhere"], "--token-file: nowhere: No such file or directory"),
        (["--worker-token-file", "nowhere"], "--worker-token-file: nowhere: No such file or directory"),
        (["--worker-ca", "nowhere"], "TLS to workers: No such file or directory"),
        (["--tls-cert", "nowhere", "--tls-key", "nowhere"], "--tls-cert and --tls-key: No such file or directory"),
        (["--zmq-secret-key", "nowhere", "--zmq-server-key", "nowhere"], "CURVE to workers: nowhere is no file"),
        (["--host", "203.0.113.1"], "cannot listen on 203.0.113.1:0: "),
        (["--host", "no.such.host.invalid"], "cannot listen on no.such.host.invalid:0: "),
        (["--port", "http"], "--port is 'http'; 0 to 65535 is due"),
    ],
)
def test_options_that_cannot_be_obeyed(words: list[str], told: str, refused: Callable[..., str]) -> None:
    assert refused(*words).startswith(f"trueup-router: {told}")


def test_a_port_that_is_taken(refused: Callable[..., str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        told = refused("--port", str(port), grid=AGG)
    assert told == f"trueup-router: cannot listen on 127.0.0.1:{port}: Address already in use\n"


def test_its_help_explains_every_option() -> None:
    done = subprocess.run([*COMMAND, "--help"], capture_output=True, text=True, check=True, timeout=60)
    told = " ".join(done.stdout.split())
    for words in (
        "--config GRID which pool",
        "--default-ttft-target MS, --default-ttft-target-ms MS",
        "SIGHUP",
        "plot",
    ):
        assert words in told
