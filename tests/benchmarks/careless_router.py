"""The reference's router, but that SIGTERM ends it at once, as if nothing were under way: streams are lost."""

from __future__ import annotations

import os
import signal
import sys
import threading

from trueup_reference.router.__main__ import main


def leave() -> None:
    signal.sigwait({signal.SIGTERM})
    os._exit(0)


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})  # every thread from now on has it blocked
    threading.Thread(target=leave, daemon=True).start()
    sys.exit(main())
