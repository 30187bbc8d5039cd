"""`trueup-router`: the global router as a service, until SIGTERM or SIGINT."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Callable, Sequence

from trueup_reference.extras import require
from trueup_reference.logging_setup import configure
from trueup_reference.router import options as options_module
from trueup_reference.router import plot
from trueup_reference.router.options import PROGRAM, OptionError, Options

NEEDED = ("aiohttp", "msgspec", "prometheus_client", "starlette", "uvicorn", "zmq")


def main(argv: Sequence[str] | None = None) -> int:
    """0 when it has ended as it was told; 2 for what cannot be obeyed, with all that is wrong with a grid."""
    given = list(sys.argv[1:] if argv is None else argv)
    if given[:1] == ["plot"]:
        return plot.main(given[1:])
    try:
        options = options_module.read(given, os.environ)
        require("reference", *NEEDED)
    except (OptionError, ModuleNotFoundError) as error:
        return _refused(error)
    is_json = options.log_format == "json"
    level = logging.getLevelNamesMapping()[options.log_level]
    configure(level, json=is_json)
    configure(max(level, logging.WARNING), json=is_json, logger="uvicorn")
    return _serve(options)


def _serve(options: Options) -> int:
    from trueup_reference.router.running import StartError, run

    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        try:
            return runner.run(run(options))
        except (StartError, OSError) as error:
            return _refused(error)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's where it is installed."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


def _refused(error: Exception) -> int:
    told = str(error)
    sys.stderr.write(f"{told}\n" if "\n" in told else f"{PROGRAM}: {told}\n")
    return 2


if __name__ == "__main__":
    sys.exit(main())
