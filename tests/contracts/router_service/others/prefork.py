"""The second router as several processes behind one port, which share nothing: each has its own id and counts."""

from __future__ import annotations

import functools
import os
import signal
import sys
from pathlib import Path

from aiohttp import web

sys.path.insert(0, str(Path(__file__).parents[3]))  # tests/

from contracts.router_service.plain import running

PROCESSES = 3


def one() -> int:
    """One of them, at a port that it shares."""
    web.TCPSite = functools.partial(web.TCPSite, reuse_port=True)  # type: ignore[assignment,misc]
    return running.Process(running.options()).run()


def main() -> int:
    """Hands signals on, and ends when all have: by the worst status."""
    signal.pthread_sigmask(signal.SIG_BLOCK, HANDED_ON)
    children = []
    for _ in range(PROCESSES):
        child = os.fork()
        if child == 0:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, HANDED_ON)
            os._exit(one())
        children.append(child)
    worst = 0
    while children:
        number = signal.sigwait(HANDED_ON)
        if number != signal.SIGCHLD:
            for child in children:
                os.kill(child, number)
        for child in list(children):
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                children.remove(child)
                worst = max(worst, abs(os.waitstatus_to_exitcode(status)))
    return worst


HANDED_ON = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD}

if __name__ == "__main__":
    sys.exit(main())
