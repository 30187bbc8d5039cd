"""The requirements of codecs: every seeded fault is found by the one that names it; nothing correct fails."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from contracts.event_transport.codec.faults import FAULTS, Fault
from contracts.event_transport.codec.hooked import Codec
from contracts.event_transport.codec.published import RELEASES
from contracts.event_transport.codec.report import FILE, text
from contracts.event_transport.codec.running import SUITES, verdicts
from fix_repository import PROJECT
from trueup_contracts.event_transport.codec import decode, encode
from trueup_contracts.event_transport.codec.golden import golden, malformed
from trueup_contracts.event_transport.codec.message import Format
from trueup_contracts.profile import Profile


class Own(Codec):
    """The kit's own codec behind the protocol."""

    def decode(self, frames: Sequence[bytes], format: Any) -> dict[str, Any]:
        kind: Format = format
        return decode(frames, kind).canonical()

    def encode(self, message: Any, format: Any, dialect: str) -> list[bytes]:
        return encode(message, format, dialect)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.requirement} {fault.name}")
def test_a_fault_is_found_by_the_requirement_that_names_it(fault: Fault) -> None:
    told = text(fault)
    assert not told.endswith(": nothing"), "it survived"
    hint = "python -m contracts.event_transport.codec.report --texts > failures.txt, and read what has changed"
    assert told in FILE.read_text(encoding="utf-8").splitlines(), hint


def test_the_faults_reach_every_requirement_of_codecs() -> None:
    asked = {one.id for info in SUITES.values() for one in info.requirements.values() if "codec" in one.needs}
    assert {fault.requirement for fault in FAULTS} == asked
    assert [name for name, count in Counter(fault.name for fault in FAULTS).items() if count > 1] == []


def test_the_page_counts_right() -> None:
    page = " ".join((PROJECT / "docs/contracts/event-transport.md").read_text(encoding="utf-8").split())
    assert f"There are {len(golden())} golden messages" in page
    assert f"that {len(RELEASES)} releases of vLLM" in page
    assert f"{len(malformed())} malformed ones" in page
    assert f"Of {len(FAULTS)} codecs with one fault each" in page


SEEDS = [pytest.param(seed, marks=[pytest.mark.slow] if seed >= 2 else []) for seed in range(20)]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("made", [Codec, Own])
@pytest.mark.parametrize("suite", ["event-subscriber", "event-publisher"])
def test_correct_codecs_never_fail(seed: int, made: type[Codec], suite: str) -> None:
    assert verdicts(suite, made(), Profile("quick", seed)) == {}
