"""Certificates in both directions, and who is told when the router listens beyond this machine."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from reference_impl.router.app.processes import AGG, BODY, events, running, written
from trueup_reference.event_transport import read_key, server_keys, write_keys
from trueup_reference.mock_worker import MockWorker, Settings


def run(coroutine: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(coroutine, 60))


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority, and certificates of it for a server and a client at 127.0.0.1; one of nobody's."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("certificates")

    def openssl(*words: str) -> None:
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True, timeout=60)

    new = ["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    for name in ("ca", "other"):
        openssl(*new, "-x509", "-keyout", f"{name}.key", "-out", f"{name}.pem", "-subj", f"/CN={name}", "-days", "2")
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1\n")
    for name in ("server", "client"):
        openssl(*new, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        signed = ["x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"]
        openssl(*signed, "-out", f"{name}.pem", "-extfile", "names", "-days", "2")
    return folder


def test_clients_over_tls(certificates: Path, tmp_path: Path) -> None:
    async def main() -> None:
        words = ["--tls-cert", str(certificates / "server.pem"), "--tls-key", str(certificates / "server.key")]
        async with running(tmp_path, *words, grid=AGG) as router:
            assert router.url.startswith("https://127.0.0.1:")
            trusted = ssl.create_default_context(cafile=certificates / "ca.pem")
            async with aiohttp.ClientSession() as session:
                async with session.post(f"{router.url}/v1/generate", json=BODY, ssl=trusted) as response:
                    assert events(await response.text())[-1][0] == "finish"
                with pytest.raises(aiohttp.ClientConnectorError):
                    await session.get(f"{router.url}/healthz")

    run(main())


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--worker-ca", "ca.pem", "--worker-cert", "client.pem", "--worker-key", "client.key"], "finish"),
        (["--worker-ca", "ca.pem"], "worker_failed"),  # the worker asks for a certificate
        (["--worker-ca", "other.pem", "--worker-cert", "client.pem", "--worker-key", "client.key"], "worker_failed"),
        ([], "worker_failed"),
    ],
)
def test_workers_over_tls(words: list[str], code: str, certificates: Path, tmp_path: Path) -> None:
    """Both show a certificate; each refuses the other without one that it trusts."""

    async def main() -> None:
        bearers = []

        async def generate(request: web.Request) -> web.Response:
            bearers.append(request.headers.get("Authorization"))
            text = 'event: item\ndata: {"index":0,"token_ids":[7]}\n\nevent: finish\ndata: {"reason":"stop"}\n\n'
            return web.Response(text=text, content_type="text/event-stream")

        app = web.Application()
        app.router.add_post("/generate", generate)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=certificates / "ca.pem")
        context.load_cert_chain(certificates / "server.pem", certificates / "server.key")
        context.verify_mode = ssl.CERT_REQUIRED
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
            url = f"https://127.0.0.1:{runner.addresses[0][1]}"
            entry = {"id": "w", "namespace": "decode0", "phase": "agg", "url": url}
            workers = written(tmp_path / "tls.json", {"version": 1, "workers": [entry]})
            token = written(tmp_path / "token", "0123456789abcdef")
            given = [str(certificates / word) if word.endswith((".pem", ".key")) else word for word in words]
            given += ["--discovery", str(workers), "--worker-token-file", str(token)]
            service = {"retry": {"same_pool_attempts": 1}}
            async with running(tmp_path, *given, grid=AGG, service=service) as router:
                name, data = (await router.generate())[-1]
                assert (data["error"]["code"] if name == "error" else name) == code
            assert bearers == (["Bearer 0123456789abcdef"] if code == "finish" else [])
        finally:
            await runner.cleanup()

    run(main())


@pytest.mark.parametrize(("name", "code"), [("router", "finish"), ("stranger", "worker_failed")])
def test_workers_over_zmq_with_curve(name: str, code: str, tmp_path: Path) -> None:
    """Both know the other's key; a router whose key the worker does not know gets no connection."""

    async def main() -> None:
        for each in ("worker", "router", "stranger"):
            write_keys(tmp_path, each)
        allowed = read_key(tmp_path / "router.key", is_secret=False)
        keys = server_keys(read_key(tmp_path / "worker.key_secret", is_secret=True), [allowed])
        async with MockWorker(Settings(ttft_ms=0, itl_ms=0), zmq_port=0, zmq_keys=keys) as worker:
            entry = {"id": "w", "namespace": "decode0", "phase": "agg", "url": worker.url}
            workers = written(tmp_path / "zmq.json", {"version": 1, "workers": [entry]})
            words = ["--discovery", str(workers), "--zmq-secret-key", str(tmp_path / f"{name}.key_secret")]
            words += ["--zmq-server-key", str(tmp_path / "worker.key")]
            service = {"retry": {"same_pool_attempts": 1}, "timeouts_ms": {"connect": 2000}}
            async with running(tmp_path, *words, grid=AGG, service=service) as router:
                last, data = (await router.generate())[-1]
                assert (data["error"]["code"] if last == "error" else last) == code

    run(main())


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--host", "0.0.0.0"], "listening beyond this machine, without --token-file, for everybody"),
        (["--host", "0.0.0.0", "--token-file", "token"], "listening beyond this machine, with bearer tokens"),
        (["--host", "localhost"], None),
    ],
)
def test_who_can_reach_it_is_told(words: list[str], told: str | None, tmp_path: Path) -> None:
    async def main() -> None:
        token = written(tmp_path / "token", "0123456789abcdef")
        given = [str(token) if word == "token" else word for word in words]
        async with running(tmp_path, *given, grid=AGG) as router:
            if told is not None:
                assert (await router.until_logged("beyond"))["message"] == told
            else:
                first = await router.until_logged("")
                assert (first["level"], first["message"]) == ("INFO", "listening")

    run(main())
