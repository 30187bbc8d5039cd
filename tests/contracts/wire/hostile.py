"""An adapter that does what its argument says, from the worst that adapters have done. Standard library only.

Without an argument it is correct, for a router with one pool.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import Any

HOW = sys.argv[1] if len(sys.argv) > 1 else "nothing"
AT = sys.argv[2] if len(sys.argv) > 2 else "select_agg"
CLAIMS = ["agg"]
# In a group of their own, where nobody's kill reaches them; they end when their output is closed.
DAEMONS = {
    "leaves a daemon that holds its output": "import select; room = select.poll(); room.register(1, 0); room.poll()",
    "leaves a daemon that floods stderr": "import os\nwhile True: os.write(2, b'noise\\n' * 1000)",
    "leaves a daemon that writes empty lines": "import os\nwhile True: os.write(1, b'\\n' * 1000)",
}


def say(text: bytes) -> None:
    while text:
        text = text[os.write(1, text) :]


def answer(request: dict[str, Any]) -> dict[str, Any]:
    operation = request["op"]
    if operation == "hello":
        claims = ["agg", "telepathy"] if HOW == "claims what nobody knows" else CLAIMS
        if HOW == "claims everything":
            claims = ["disagg", "agg", "agg_isl", "priority_overrides", "priority_retry", "deprecated_names", "threads"]
            claims += ["strict_types", "config_text", "defaults", "concurrent_calls"]
        told = {"wire": 1, "name": "hostile", "version": "1", "language": "Python", "capabilities": claims}
        if HOW == "reads short lines":
            told["limits"] = {"line_bytes": 1024}
        return {"id": request["id"], "ok": told}
    return {"id": request["id"], "ok": {"open": "h"}.get(operation, 0 if operation.startswith("select") else None)}


def misbehave(request: dict[str, Any], line: bytes) -> None:
    if HOW == "hangs":
        time.sleep(3600)
    elif HOW == "exits":
        sys.exit(3)
    elif HOW == "exits in the middle of a reply":
        say(line[:10])
        sys.exit(0)
    elif HOW == "is killed":
        os.kill(os.getpid(), signal.SIGSEGV)
    elif HOW == "prints on stdout":
        say(b"Loading model \x1b[31mred\x1b[0m ...\n" + line)
    elif HOW == "answers another request":
        say(json.dumps({"id": 10**6, "ok": 0}).encode() + b"\n")
    elif HOW == "answers twice":
        say(line + line)
    elif HOW == "writes half a line":
        say(line[:10])
        time.sleep(3600)
    elif HOW == "writes a line of 10 MB":
        say(b'{"id":1,"ok":"' + b"x" * 10_000_000 + b'"}\n')
    elif HOW == "writes endlessly":
        while True:
            say(b"x" * 65536)
    elif HOW == "floods stderr":
        for _ in range(2000):
            os.write(2, b"noise " * 200 + b"\n")
        say(line)
    elif HOW == "closes its input and stays":
        os.close(0)
        say(line)
        time.sleep(3600)
    elif HOW == "stops reading":
        say(line)
        time.sleep(3600)
    elif HOW == "leaves a child that holds its output":
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"])
        sys.exit(0)
    elif HOW in DAEMONS:
        subprocess.Popen([sys.executable, "-S", "-c", DAEMONS[HOW]], start_new_session=True)
        sys.exit(0)
    elif HOW == "dies with a traceback":
        raise KeyError("no such pool")
    else:
        replies = {
            "is no object": b"[1, 2]\n",
            "is nested endlessly": b"[" * 200_000 + b"\n",
            "holds NaN": b'{"id": %d, "ok": NaN}\n' % request["id"],
            "holds a huge number": b'{"id": %d, "ok": %s}\n' % (request["id"], b"9" * 100_000),
            "holds a key twice": b'{"id": %d, "ok": 1, "ok": 2}\n' % request["id"],
            "is not UTF-8": b'{"id": %d, "ok": "\xff"}\n' % request["id"],
            "holds both": b'{"id": %d, "ok": 1, "error": {"code": "invalid", "message": ""}}\n' % request["id"],
            "has an unknown code": b'{"id": %d, "error": {"code": "oops", "message": ""}}\n' % request["id"],
            "fails": b'{"id": %d, "error": {"code": "internal", "message": "no CUDA"}}\n' % request["id"],
            "answers a text": b'{"id": %d, "ok": "pool 1"}\n' % request["id"],
            "answers a wrong tag": b'{"id": %d, "ok": {"int": "many"}}\n' % request["id"],
        }
        say(replies.get(HOW, line))


def main() -> None:
    if HOW == "never ends":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    for text in sys.stdin.buffer:
        request = json.loads(text)
        line = json.dumps(answer(request)).encode() + b"\n"
        if request["op"] == AT:
            misbehave(request, line)
        else:
            say(line)
        if request["op"] == "bye" and HOW != "never ends":
            return
    while HOW == "never ends":
        time.sleep(3600)


main()
