"""Asks codecs of the tests what the two suites demand of codecs, and nothing else."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from contracts.event_transport.codec.hooked import Codec
from contracts.suite_runs import verdicts_of
from trueup_contracts.event_transport import PUBLISHER, SUBSCRIBER
from trueup_contracts.in_process import LocalSubject
from trueup_contracts.profile import Profile
from trueup_contracts.subject import Settings, Subject
from trueup_contracts.wire.client import WireSubject

_TESTS = str(Path(__file__).parents[3])
SUITES = {info.name: info for info in (SUBSCRIBER, PUBLISHER)}


def verdicts(suite: str, made: Codec, profile: Profile, only: str | None = None) -> dict[str, str]:
    """The failures of a codec in this process."""
    return _asked(LocalSubject(SUITES[suite], "test", "tests:factory", made), profile, only)


def verdicts_over_the_wire(suite: str, name: str, profile: Profile, root: Path, only: str | None) -> dict[str, str]:
    """Those of a codec that `over_the_wire` serves."""
    served = "contracts.event_transport.codec.over_the_wire"
    code = f"import sys, runpy; sys.path.insert(0, {_TESTS!r}); runpy.run_module({served!r}, None, '__main__')"
    subject = WireSubject(SUITES[suite], "wire", shlex.join([sys.executable, "-c", code, name]), Settings(root))
    try:
        return _asked(subject, profile, only)
    finally:
        subject.end()


def _asked(subject: Subject, profile: Profile, only: str | None) -> dict[str, str]:
    others = {one.id for one in subject.suite.requirements.values() if "codec" not in one.needs}
    return verdicts_of(subject, profile, only, but=others)
