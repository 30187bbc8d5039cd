"""The way into a child interpreter: a request as JSON in, a report as JSON out, over a pipe of their own."""

from __future__ import annotations

import json
import logging
import os
import sys
import traceback

from trueup_contracts.logging_setup.child import importing, setting_up
from trueup_contracts.logging_setup.child.common import Probe
from trueup_contracts.logging_setup.child.tracing import short

PROBES = {
    "import": importing.bare,
    "import_configured": importing.configured,
    "captured": importing.captured,
    "again": setting_up.again,
    "threads": setting_up.threads,
    "configured": setting_up.configured,
    "levels": setting_up.levels,
    "structured": setting_up.structured,
    "secrets": setting_up.secrets,
    "burst": setting_up.burst,
    "processes": setting_up.processes,
}


def run(text: str, number: int) -> None:
    """Answers the request on the file descriptor `number`; 0 for no answer. What is raised is told."""
    request = json.loads(text)
    probe = Probe(request)
    if number:
        os.set_inheritable(number, False)
    here = os.getpid()
    if PROBES[request["probe"]].__module__ == setting_up.__name__:
        logging.lastResort = None  # or what nobody handles would be written all the same
    try:
        PROBES[request["probe"]](probe)
    except SystemExit as error:
        if os.getpid() != here:
            raise
        probe.report["failed"] = f"SystemExit: {error}"
    except Exception as error:  # noqa: BLE001 - whatever a package raises is told
        if os.getpid() != here:
            traceback.print_exc()
            sys.exit(1)
        places = [one for one in traceback.extract_tb(error.__traceback__) if "/child/" not in one.filename]
        outside = [one for one in places if not one.filename.startswith("<frozen") and "importlib" not in one.filename]
        where = f"\n{short(outside[-1].filename)}:{outside[-1].lineno}" if outside else ""
        probe.report["failed"] = f"{type(error).__name__}: {error}{where}"
        probe.report["kind"] = type(error).__name__
    if number and os.getpid() == here:
        _write(number, json.dumps(probe.report).encode("ascii"))
        probe.last()


def _write(number: int, data: bytes) -> None:
    while data:
        data = data[os.write(number, data) :]
    os.close(number)


def script() -> None:
    """`sys.argv`: the request and the descriptor, which the package under test does not see."""
    _, _, text, number = sys.argv[1:5]
    request = json.loads(text)
    if not request.get("who") and len(sys.argv) > 5:
        request["who"] = sys.argv[5]
    sys.argv[1:] = []
    run(json.dumps(request), int(number))
