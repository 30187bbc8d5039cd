"""What is known of vLLM's publisher is found in a model of it, through the adapter that ships; and nothing else."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from contracts.event_transport.publisher.originals import Before45177, ZmqEventPublisher
from contracts.event_transport.running import verdicts
from trueup_contracts.event_transport import PUBLISHER
from trueup_contracts.event_transport.publisher.adapters import Vllm

MODULE = "from contracts.event_transport.publisher.originals import *\n"
# A queue that blocks without a bound, and a stop marker that raises on a full one: SPEC.md names vLLM with both.
MUST = {"EP-051", "EP-057", "EP-058"}
# No count of what fails, a queue of 0 taken for one without a bound, linger 0, starts of any length, ZeroMQ's mark.
SHOULD = {"EP-036", "EP-059", "EP-064", "EP-086", "EP-092"}


@pytest.fixture(params=[ZmqEventPublisher, Before45177])
def release(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Makes the model importable as vLLM's module, also in a program of its own; the name of its class."""
    folder = tmp_path / "vllm" / "distributed"
    folder.mkdir(parents=True)
    name = str(request.param.__name__)
    renamed = f"from {request.param.__module__} import {name} as ZmqEventPublisher\n"
    (folder / "kv_events.py").write_text(MODULE + renamed, encoding="utf-8")
    for module in ("vllm", "vllm.distributed", "vllm.distributed.kv_events"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    return name


# It closes sockets that its thread uses, and leaves them open where its shutdown raises.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.slow
def test_vllm_fails_what_is_known_and_nothing_else(release: str) -> None:
    told = verdicts(PUBLISHER, Vllm, scale=0.4)
    assert told.keys() == MUST | SHOULD | ({"EP-095"} if release == "Before45177" else set())


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_the_known_failures_say_what_is_wrong(release: str) -> None:
    told = {one: verdicts(PUBLISHER, Vllm, only=one, scale=0.2).get(one, "nothing") for one in ("EP-051", "EP-057")}
    assert "publish, with a full queue of 8 batches, had not ended" in told["EP-051"]
    assert "close raised Full" in told["EP-057"]
    for identity in MUST:
        assert PUBLISHER.requirements[identity].level == "MUST"
        assert "vLLM" in PUBLISHER.requirements[identity].why
    for identity in ("EP-005", "EP-030", "EP-034", "EP-080", "EP-089"):
        assert verdicts(PUBLISHER, Vllm, only=identity) == {}
