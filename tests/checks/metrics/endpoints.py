"""Real endpoints on loopback: prometheus-client's own server, and one that answers as a test says."""

from __future__ import annotations

import contextlib
import http.server
import threading
from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

Headers = dict[str, str]
Handler = Callable[[Headers], tuple[int, Headers, bytes]]


def engine_registry(prefix: str = "sglang:") -> CollectorRegistry:
    """Some of an engine's families, with one series each."""
    registry = CollectorRegistry()
    labels = {"model_name": "m"}
    Gauge(f"{prefix}num_running_reqs", "Requests that run.", labels, registry=registry).labels(**labels).set(3)
    Counter(f"{prefix}prompt_tokens", "Tokens of prompts.", labels, registry=registry).labels(**labels).inc(5)
    histogram = Histogram(f"{prefix}e2e_request_latency_seconds", "Latency.", labels, registry=registry)
    histogram.labels(**labels).observe(0.3)
    return registry


@contextlib.contextmanager
def served(registry: CollectorRegistry) -> Iterator[str]:
    """prometheus-client's own server for this registry; its URL."""
    server, thread = start_http_server(0, "127.0.0.1", registry=registry)
    try:
        yield f"http://127.0.0.1:{server.server_port}/metrics"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextlib.contextmanager
def answering(answer: Handler) -> Iterator[str]:
    """A server whose every GET is answered by a function of the request's headers (lower case)."""

    class Server(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, body = answer({name.lower(): value for name, value in self.headers.items()})
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if "Content-Length" not in headers:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with contextlib.suppress(OSError):  # the client may have had enough
                self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/metrics"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
