"""`/healthz`, `/readyz` and `/metrics`: for orchestrators, load balancers, browsers and Prometheus."""

from __future__ import annotations

import html

import msgspec
from prometheus_client.exposition import choose_encoder
from starlette.types import Receive, Scope, Send

from trueup_reference.router.app.errors import send_json, send_whole
from trueup_reference.router.app.work import Service
from trueup_reference.router.forwarding import PoolState

REFRESH_S = 2  # of the page
_HTML = (
    (
        b"content-type",
        b"text/html; charset=utf-8",
    ),
    (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'"),
)


class Healthz:
    """200 while the process answers."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Says so."""
        await send_json(send, 200, b'{"status":"ok"}')


class Readyz:
    """200 where every pool can be used and the router is not ending; each pool with its reason. A page for browsers.

    A discovery that is away makes nobody unready: the workers that are known serve, and the problem is told.
    """

    def __init__(self, service: Service) -> None:
        """`service` knows the router."""
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Says so."""
        pools = self._service.router.pools()
        is_ending = self._service.is_ending
        is_ready = not is_ending and all(pool.ready for pool in pools.values())
        status = 200 if is_ready else 503
        said = "the router is ending" if is_ending else "ready" if is_ready else "not every pool can be used"
        discovery = self._service.discovery
        problem = None if discovery is None else discovery.problem
        if _wants_a_page(scope):
            await send_whole(send, status, _page(self._service.model_name, said, problem, pools), [*_HTML])
            return
        told = {
            "ready": is_ready,
            "reason": said,
            "discovery": {"problem": problem},
            "pools": {
                name: {"ready": pool.ready, "reason": pool.reason, "workers": pool.workers}
                for name, pool in pools.items()
            },
        }
        await send_json(send, status, msgspec.json.format(msgspec.json.encode(told), indent=2) + b"\n")


class Metrics:
    """What Prometheus asks for, in the form that it asks for."""

    def __init__(self, service: Service) -> None:
        """`service` knows the metrics."""
        self._registry = service.metrics.registry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """All of them."""
        accept = ",".join(value.decode("latin-1") for name, value in scope["headers"] if name == b"accept")
        encode, content_type = choose_encoder(accept)
        await send_whole(send, 200, encode(self._registry), [(b"content-type", content_type.encode())])


def _wants_a_page(scope: Scope) -> bool:
    """Browsers name HTML; curl and probes do not."""
    return any(name == b"accept" and b"text/html" in value for name, value in scope["headers"])


def _page(model: str, said: str, problem: str | None, pools: dict[str, PoolState]) -> bytes:
    doubt = "" if problem is None else f"<p>The workers may be out of date: {html.escape(problem)}</p>\n"
    rows = "".join(
        f"<tr class={'yes' if pool.ready else 'no'}><td>{html.escape(name)}<td>{'ready' if pool.ready else 'not ready'}"
        f"<td>{html.escape(pool.reason)}<td>{pool.workers}<td>{pool.usable}<td>{pool.in_flight}<td>{pool.queued}"
        for name, pool in pools.items()
    )
    return f"""<!doctype html>
<html lang=en>
<meta charset=utf-8>
<meta http-equiv=refresh content={REFRESH_S}>
<title>{html.escape(model)}: {html.escape(said)}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; margin: 2rem; color-scheme: light dark }}
table {{ border-collapse: collapse }}
th, td {{ text-align: left; padding: .25rem 1rem; border-bottom: 1px solid #8884 }}
td:nth-child(n+4) {{ text-align: right; font-variant-numeric: tabular-nums }}
.yes td:nth-child(2) {{ color: #080 }}
.no td:nth-child(2) {{ color: #c00 }}
</style>
<h1>{html.escape(model)}: {html.escape(said)}</h1>
{doubt}<table>
<thead><tr><th>pool<th>state<th>reason<th>workers<th>usable<th>in flight<th>queued</thead>
<tbody>{rows}</tbody>
</table>
""".encode()
