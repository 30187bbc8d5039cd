"""Probes of an import alone."""

from __future__ import annotations

import importlib
import importlib.metadata
import logging
import os
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

from trueup_contracts.logging_setup.child import state
from trueup_contracts.logging_setup.child.common import Probe, Users, json_keywords


def bare(probe: Probe) -> None:
    """The import where nobody has set up logging, then a user who does."""
    before, switches = state.all_loggers(), state.Switches()
    with probe.trace.on():
        watched = state.Switches()
        probe.mark("import")
        _imported(probe)
        probe.flush()
        probe.mark("after")
        changed = watched.changed()
    report = probe.report
    report |= {"before": before, "after": state.all_loggers(), "events": list(probe.trace.events)}
    report |= {key: changed[key] for key in ("switches", "classes")}
    report["warnings"] = switches.changed()["warnings"]
    report["about"] = _about(probe)
    logging.basicConfig(level=logging.INFO, format="USER %(levelname)s %(name)s %(message)s", stream=sys.stderr)
    logging.getLogger("trueup_app").info("app token")
    probe.logger.error("own token")
    probe.mark("warning")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        # Not the watched function: `catch_warnings` puts `showwarning` back at the end, and leaves it within.
        warnings.warn("warning token", UserWarning, stacklevel=1)
    probe.mark("end")


def _imported(probe: Probe) -> None:
    module = importlib.import_module(probe.module_name)
    found: Any = module
    for part in probe.function_name.split(".") if probe.function_name else ():
        if not hasattr(found, part):
            raise AttributeError(f"{probe.module_name} has no {part!r}")
        found = getattr(found, part)
    if probe.function_name and not callable(found):
        raise TypeError(f"{probe.module_name}:{probe.function_name} is a {type(found).__name__} and cannot be called")


def _about(probe: Probe) -> dict[str, Any]:
    top = probe.module_name.partition(".")[0]
    version = str(getattr(sys.modules.get(top), "__version__", "") or "")
    for name in [] if version else importlib.metadata.packages_distributions().get(top, [])[:1]:
        version = importlib.metadata.version(name)
    if not probe.function_name:
        return {"version": version}
    function = probe.function
    claimed: Any = getattr(function, "capabilities", ())
    return {
        "version": version,
        "capabilities": sorted(map(str, claimed.split() if isinstance(claimed, str) else claimed)),
        "logger": getattr(function, "logger", None),
        "level_variable": getattr(function, "level_variable", None),
        "json": bool(json_keywords(function)),
    }


def configured(probe: Probe) -> None:
    """The import where a user has set up logging, with secrets in the environment."""
    users = Users(logging.DEBUG)
    probe.import_it()
    report = probe.report
    report |= {"before": users.before, "now": users.now(), "events": list(probe.trace.events)}
    report["records"] = [
        (one.name, one.getMessage()[:300], f"{one.filename}:{one.lineno}") for one in users.root.records
    ]
    report["app"] = users.works()
    probe.logger.error("own token")
    report["own"] = users.root.count("own token")


_CAPTURED = """
import importlib
import logging

MODULE, FUNCTION, LOGGER = {names!r}

def found():
    one = importlib.import_module(MODULE)
    for part in FUNCTION.split("."):
        one = getattr(one, part)
    return one

def test_import(caplog):
    importlib.import_module(MODULE)
    logging.getLogger(LOGGER).error("import token")
    logging.getLogger("trueup_app").error("app token")
    got = [one.getMessage() for one in caplog.records]
    count = got.count("import token")
    assert count == 1, f"caplog has a record of logger {{LOGGER!r}} {{count}} times"
    assert got.count("app token") == 1, f"caplog has a record of the application {{got.count('app token')}} times"

def test_setup(caplog):
    if FUNCTION:
        found()()
        found()()
    logging.getLogger(LOGGER).error("setup token")
    logging.getLogger("trueup_app").error("app token")
    got = [one.getMessage() for one in caplog.records]
    count = got.count("setup token")
    assert count == 1, f"caplog has a record of logger {{LOGGER!r}} {{count}} times"
    assert got.count("app token") == 1, f"caplog has a record of the application {{got.count('app token')}} times"
"""


class _Outcomes:
    """A plugin of pytest: what became of each test."""

    def __init__(self) -> None:
        self.told: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: Any) -> None:
        """One phase of a test."""
        name = report.nodeid.rpartition("::")[2]
        if report.failed:
            crash = getattr(report.longrepr, "reprcrash", None)
            self.told[name] = str(crash.message if crash is not None else report.longrepr).partition("\n")[0]
        elif report.when == "call":
            self.told.setdefault(name, "")


def captured(probe: Probe) -> None:
    """A test of a user's, run by pytest, that reads `caplog`."""
    import pytest

    outcomes = _Outcomes()
    with tempfile.TemporaryDirectory(prefix="trueup-contracts-") as folder:
        path = Path(folder, "test_logging.py")
        path.write_text(_CAPTURED.format(names=(probe.module_name, probe.function_name, probe.own or "trueup_lib")))
        Path(folder, "pytest.ini").write_text("[pytest]\n")
        os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
        words = ["-q", "-p", "no:cacheprovider", "--rootdir", folder, "-c", f"{folder}/pytest.ini", str(path)]
        pytest.main(words, plugins=[outcomes])
    probe.report["told"] = outcomes.told
