"""What orchestrators, browsers and Prometheus ask, and what they get where there is nothing."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from reference_impl.router.app.serving_stubs import READY, ScriptedRouter, finish, post, served
from trueup_reference.router.discovery import Discovery, StaticDiscovery
from trueup_reference.router.forwarding import PoolState

EMPTY = PoolState(False, "no worker is registered", 0, 0, 0, 3)
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


def ask(
    router: ScriptedRouter,
    path: str,
    *,
    method: str = "GET",
    is_ending: bool = False,
    discovery: Discovery | None = None,
    **headers: str,
) -> tuple[int, str, str, Any]:
    """Status, type, text and headers of an answer."""

    async def main() -> tuple[int, str, str, Any]:
        async with (
            served(router, is_ending=is_ending, discovery=discovery, tokens=(b"0123456789abcdef",)) as (url, _),
            aiohttp.ClientSession() as session,
            session.request(method, f"{url}{path}", headers=headers) as response,
        ):
            return response.status, response.headers["Content-Type"], await response.text(), response.headers

    return asyncio.run(main())


def test_requests_that_come_to_no_pool_are_counted_too() -> None:
    async def main() -> dict[str, float]:
        router, key = ScriptedRouter([finish()]), {"Authorization": "Bearer 0123456789abcdef"}
        asked = {"request_id": "r", "phase": "decode", "token_ids": [1], "max_tokens": 1, "transfer": {}}
        async with served(router, tokens=(b"0123456789abcdef",), max_body_bytes=200) as (url, service):
            assert (await post(url, "/v1/generate", {}))[0] == 401
            assert (await post(url, "/v1/generate", {}, headers=key))[0] == 400
            assert (await post(url, "/v1/completions", {"prompt": "x" * 200}, headers=key))[0] == 413
            for status in (200, 409):
                assert (await post(url, "/v1/decode", asked, headers=key))[0] == status
            service.is_ending = True
            assert (await post(url, "/v1/generate", {}, headers=key))[0] == 503
            families = service.metrics.registry.collect()
        return {
            sample.labels["code"]: sample.value
            for family in families
            for sample in family.samples
            if sample.name == "trueup_router_rejected_requests_total"
        }

    assert asyncio.run(main()) == {"unauthorized": 1, "invalid_request": 2, "duplicate": 1, "draining": 1}


def test_it_is_alive_while_it_ends_too() -> None:
    for is_ending in (False, True):
        assert ask(ScriptedRouter(), "/healthz", is_ending=is_ending)[:2] == (200, "application/json")


@pytest.mark.parametrize(
    ("states", "is_ending", "status", "reason"),
    [
        ({"pool0": READY}, False, 200, "ready"),
        ({"pool0": READY, "pool1": EMPTY}, False, 503, "not every pool can be used"),
        ({"pool0": READY}, True, 503, "the router is ending"),
    ],
)
def test_readiness(states: dict[str, PoolState], is_ending: bool, status: int, reason: str) -> None:
    router = ScriptedRouter()
    router.states = states
    told, kind, text, _ = ask(router, "/readyz", is_ending=is_ending)
    assert (told, kind) == (status, "application/json")
    pools = {name: {"ready": one.ready, "reason": one.reason, "workers": one.workers} for name, one in states.items()}
    assert json.loads(text) == {
        "ready": status == 200,
        "reason": reason,
        "discovery": {"problem": None},
        "pools": pools,
    }
    assert text.count("\n") > 5  # for people


@pytest.mark.parametrize("accept", [BROWSER, "*/*"])
def test_a_discovery_that_is_away_is_told_and_makes_nobody_unready(accept: str) -> None:
    router = ScriptedRouter()
    discovery = StaticDiscovery()
    discovery.set([], "etcd is away & known workers are kept")
    status, _, text, _ = ask(router, "/readyz", discovery=discovery, accept=accept)
    assert status == 200
    if accept == BROWSER:
        assert "<p>The workers may be out of date: etcd is away &amp; known workers are kept</p>" in text
    else:
        assert json.loads(text)["discovery"] == {"problem": "etcd is away & known workers are kept"}


def test_a_browser_gets_a_page() -> None:
    router = ScriptedRouter()
    router.states = {"pool0": READY, "<script>": EMPTY}
    status, kind, text, headers = ask(router, "/readyz", accept=BROWSER)
    assert (status, kind) == (503, "text/html; charset=utf-8")
    assert "<td>&lt;script&gt;<td>not ready<td>no worker is registered<td>0<td>0<td>0<td>3" in text
    assert "<td>pool0<td>ready<td>ready<td>2" in text
    assert "<script>" not in text
    assert "default-src 'none'" in headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("accept", "kind"),
    [("", "text/plain"), ("application/openmetrics-text;version=1.0.0", "application/openmetrics-text")],
)
def test_metrics(accept: str, kind: str) -> None:
    status, told, text, _ = ask(ScriptedRouter(), "/metrics", accept=accept)
    assert (status, told.split(";")[0]) == (200, kind)
    assert any(line.startswith("trueup_router_accepted_requests_total ") for line in text.splitlines())
    if kind == "text/plain":
        names = {family.name for family in text_string_to_metric_families(text)}
        assert {"trueup_router_draining", "trueup_router_grid_reloads"} <= names


@pytest.mark.parametrize(
    ("method", "path", "status", "code", "message"),
    [
        ("GET", "/", 404, "not_found", "there is nothing at /"),
        ("GET", "/v1/nothing", 404, "not_found", "there is nothing at /v1/nothing"),
        ("POST", "/v1/generate/", 404, "not_found", "there is nothing at /v1/generate/"),
        ("GET", "/v1/generate", 405, "method_not_allowed", "GET is not for /v1/generate: POST is"),
        ("POST", "/readyz", 405, "method_not_allowed", "POST is not for /readyz"),
        ("POST", "/v1/generate", 401, "unauthorized", "a bearer token that the router knows is due"),
        ("POST", "/v1/decode", 401, "unauthorized", "a bearer token that the router knows is due"),
    ],
)
def test_every_error_has_the_structure(method: str, path: str, status: int, code: str, message: str) -> None:
    told, kind, text, headers = ask(ScriptedRouter(), path, method=method)
    assert (told, kind) == (status, "application/json")
    assert json.loads(text) == {"error": {"code": code, "message": message, "request_id": None, "pool": None}}
    assert ("Allow" in headers) is (status == 405)
