"""A service that counts, and does what its options say. Standard library only."""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

count = 0
HOW = ""


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/readyz" and HOW == "is never ready":
            self.answer(503, "loading")
        elif self.path == "/count" and HOW == "answers a text":
            self.answer(200, "many")
        elif self.path == "/count" and HOW == "fails":
            self.answer(500, "oops")
        else:
            self.answer(200, count)

    def do_POST(self) -> None:
        global count  # noqa: PLW0603
        count += 0 if HOW == "forgets" else int(self.rfile.read(int(self.headers["Content-Length"])))
        self.answer(200, count)

    def answer(self, status: int, value: object) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main() -> None:
    global count, HOW  # noqa: PLW0603
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--config", type=Path)
    parser.add_argument("--how", default="")
    args = parser.parse_args()
    HOW = args.how
    if args.config is not None:
        count = json.loads(args.config.read_text())["start"]
    if HOW == "exits":
        sys.exit("no model")
    if HOW == "hangs":
        time.sleep(3600)
    if HOW in ("ignores SIGTERM", "leaves a child"):
        signal.signal(signal.SIGTERM, signal.SIG_IGN if HOW == "ignores SIGTERM" else lambda *_: sys.exit(0))
    if HOW == "leaves a child":
        subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(3600)"])
    server = ThreadingHTTPServer((args.host, args.port), Handler)
    print(json.dumps(server.server_address[1]), flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
