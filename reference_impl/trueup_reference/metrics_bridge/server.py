"""The bridge over HTTP."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from trueup_reference.metrics_bridge.bridge import MetricsBridge

_REASONS = {200: "200 OK", 500: "500 Internal Server Error"}


def wsgi_app(bridge: MetricsBridge) -> Callable[[Mapping[str, Any], Callable[..., Any]], Iterable[bytes]]:
    """For any WSGI server: GET on any path is a scrape."""

    def app(environ: Mapping[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            start_response("405 Method Not Allowed", [("Allow", "GET, HEAD")])
            return [b""]
        status, content_type, body = bridge.scrape(environ.get("HTTP_ACCEPT"))
        headers = [("Content-Type", content_type), ("Content-Length", str(len(body))), ("Vary", "Accept")]
        start_response(_REASONS[status], headers)
        return [body if environ["REQUEST_METHOD"] == "GET" else b""]

    return app


@contextmanager
def serving(bridge: MetricsBridge, port: int = 0, host: str = "127.0.0.1") -> Iterator[str]:
    """Serves the bridge in a thread, until the block ends; port 0 takes a free one. Gives the URL."""
    with make_server(host, port, wsgi_app(bridge), _Server, _Handler) as server:
        thread = threading.Thread(target=server.serve_forever, name="metrics-bridge")
        thread.start()
        try:
            yield f"http://{host}:{server.server_port}/metrics"
        finally:
            server.shutdown()
            thread.join()


class _Server(ThreadingMixIn, WSGIServer):
    """A thread for each scraper, so that a slow one does not hold the others up."""

    daemon_threads = True


class _Handler(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """A scrape is no news."""
