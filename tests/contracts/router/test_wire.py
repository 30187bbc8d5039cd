"""Over the wire the router suite gives every fault, and every correct router, the verdicts that it gives in process."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest

from contracts.router.over_the_wire import ROUTERS
from contracts.suite_runs import verdicts, verdicts_of
from trueup_contracts.profile import Profile
from trueup_contracts.router import SUITE
from trueup_contracts.subject import Settings
from trueup_contracts.wire.client import WireSubject

TESTS = Path(__file__).parents[2]
IN_PROCESS_ONLY = {one.id for one in SUITE.requirements.values() if "in_process" in one.needs}
QUICK = Profile("quick", 20261124)


def verdicts_over_the_wire(name: str, profile: Profile, root: Path) -> dict[str, str]:
    code = "import runpy, sys; sys.path.insert(0, sys.argv.pop(1)); runpy.run_module(sys.argv.pop(1), None, '__main__')"
    argv = [sys.executable, "-c", code, str(TESTS), "contracts.router.over_the_wire", name]
    subject = WireSubject(SUITE, "wire", shlex.join(argv), Settings(root))
    try:
        return verdicts_of(subject, profile)
    finally:
        subject.end()


@pytest.mark.parametrize("name", ROUTERS)
def test_the_wire_changes_no_verdict(name: str, tmp_path: Path) -> None:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        local = verdicts("router", ROUTERS[name], QUICK)
    finally:
        sys.setswitchinterval(before)
    assert verdicts_over_the_wire(name, QUICK, tmp_path).keys() == local.keys() - IN_PROCESS_ONLY
