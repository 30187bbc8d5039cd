"""A global router as somebody writes it in an afternoon, with the standard library alone.

It is here for the report that the suite gives it: its flaws are those that such routers have. It answers `/readyz` by
whether it runs, has one timeout for everything, retries what it could not connect to, and leaves SIGTERM to Python.
"""

from __future__ import annotations

import argparse
import http.client
import itertools
import json
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

TIMEOUT_S = 5.0
turns = itertools.count()


def cell(value: float, low: float, high: float, resolution: int) -> int:
    return max(0, min(resolution - 1, int((value - low) / ((high - low) / resolution))))


class Handler(BaseHTTPRequestHandler):
    grid: dict[str, Any]
    service: dict[str, Any]
    discovery: Path
    router_id = str(uuid.uuid4())

    def do_GET(self) -> None:
        self.answer(200, {"status": "ok", "pools": {}})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path != "/v1/generate":
            self.answer(404, {"error": "not found"})
            return
        if not isinstance(body.get("token_ids"), list):
            self.answer(400, {"error": {"code": "invalid_request", "message": "token_ids are missing"}})
            return
        body.setdefault("request_id", str(uuid.uuid4()))
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        self.tell("accepted", {"request_id": body["request_id"]})
        try:
            transfer = None
            for phase in ("agg",) if self.grid.get("mode") == "agg" else ("prefill", "decode"):
                for name, data in self.forward(phase, body, transfer):
                    if name == "transfer":
                        transfer = data["transfer"]
                    elif phase != "prefill":
                        self.tell(name, data)
        except (OSError, http.client.HTTPException, RuntimeError) as error:
            told = {"code": "worker_failed", "message": str(error), "request_id": body["request_id"], "pool": None}
            self.tell("error", {"error": told})

    def forward(self, phase: str, body: dict[str, Any], transfer: Any) -> Iterator[tuple[str, dict[str, Any]]]:
        namespace = self.choose(phase, body)
        workers = json.loads(self.discovery.read_text())["workers"]
        urls = [worker["url"] for worker in workers if worker["namespace"] == namespace]
        if not urls:
            raise RuntimeError(f"no workers in {namespace}")
        asked = {**body, "phase": phase, "router_id": self.router_id, "transfer": transfer}
        for attempt in range(self.service["retry"]["same_pool_attempts"]):
            url = urlsplit(urls[next(turns) % len(urls)])
            self.tell("routed", {"phase": phase, "pool": namespace, "worker": url.netloc, "attempt": attempt})
            try:
                connection = http.client.HTTPConnection(url.netloc, timeout=TIMEOUT_S)
                connection.request("POST", "/generate", json.dumps({**asked, "attempt": attempt}))
                break
            except ConnectionError:
                continue
        else:
            raise RuntimeError(f"no worker of {namespace} can be reached")
        response = connection.getresponse()
        if response.status != 200:
            raise RuntimeError(f"the worker answered {response.status}")
        name = ""
        for line in response:
            field, _, value = line.decode().strip().partition(": ")
            if field == "event":
                name = value
            elif field == "data":
                yield name, json.loads(value)

    def choose(self, phase: str, body: dict[str, Any]) -> str:
        targets = body.get("targets") or {}
        strategy = self.grid[f"{phase}_pool_selection_strategy"]
        axes = {"prefill": ("isl", "ttft"), "decode": ("context_length", "itl"), "agg": ("ttft", "itl")}[phase]
        pool = strategy[f"{phase}_pool_mapping"]
        for axis in axes:
            unit = "_ms" if axis in ("ttft", "itl") else ""
            low, high = strategy[f"{axis}_min{unit}"], strategy[f"{axis}_max{unit}"]
            value = targets.get(f"{axis}_ms", (low + high) / 2) if unit else len(body["token_ids"])
            pool = pool[cell(value, low, high, strategy[f"{axis}_resolution"])]
        namespace: str = self.grid[f"{phase}_pool_dynamo_namespaces"][pool]
        return namespace

    def tell(self, name: str, data: dict[str, Any]) -> None:
        self.wfile.write(f"event: {name}\ndata: {json.dumps(data)}\n\n".encode())

    def answer(self, status: int, value: Any) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    for option in ("config", "discovery", "service"):
        parser.add_argument(f"--{option}", type=Path, required=True)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    given = parser.parse_args()
    Handler.grid = json.loads(given.config.read_text())
    Handler.service = json.loads(given.service.read_text())
    Handler.discovery = given.discovery
    ThreadingHTTPServer.request_queue_size = 128
    ThreadingHTTPServer((given.host, given.port), Handler).serve_forever()
