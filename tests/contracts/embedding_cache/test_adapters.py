"""The shipped adapters, over models of what they adapt; and cachetools itself, on both sides of its correction."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, ClassVar

import pytest

from contracts.embedding_cache import originals
from contracts.suite_runs import verdicts
from trueup_contracts.embedding_cache import SUITE, adapters
from trueup_contracts.errors import Unsupported
from trueup_contracts.profile import Profile

QUICK = Profile("quick", 20261124)


@pytest.fixture(params=["first release", "later form"])
def release(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    for name, module in originals.modules(later=request.param == "later form").items():
        monkeypatch.setitem(sys.modules, name, module)
    return str(request.param)


def _failed(factory: Any) -> dict[str, set[str]]:
    failed = verdicts("embedding-cache", factory, QUICK)
    levels: dict[str, set[str]] = {"MUST": set(), "SHOULD": set()}
    for identity in failed:
        levels[SUITE.requirements[identity].level].add(identity)
    return levels


def test_dynamos_cache_meets_every_must_and_lacks_the_hardening(release: str) -> None:
    failed = _failed(adapters.dynamo)
    assert failed["MUST"] == set()
    assert {"EC-030", "EC-032", "EC-034", "EC-042", "EC-096"} <= failed["SHOULD"]
    assert ("EC-022" in failed["SHOULD"]) == (release == "first release"), "evictions were not counted at first"
    claims = {"stats"} if release == "first release" else {"stats", "keys", "delta"}
    assert adapters.dynamo.capabilities == claims


@pytest.mark.usefixtures("release")
def test_vllms_manager_meets_every_must() -> None:
    assert _failed(adapters.VllmEncoderCache)["MUST"] == set()


@pytest.mark.usefixtures("release")
def test_sglangs_cache_evicts_everything_for_what_it_refuses() -> None:
    failed = verdicts("embedding-cache", adapters.SglangStatic, QUICK)
    assert {one for one in failed if SUITE.requirements[one].level == "MUST"} == {"EC-006", "EC-019"}
    assert failed["EC-006"].startswith("AssertionError: current_bytes is 0, and the entries have 90 bytes")


def test_a_wrapped_cache_of_ones_own_class() -> None:
    class Mine(adapters.DuckTyped):
        make = originals.LaterForm
        wrap = originals.CachedEmbedding
        capabilities: ClassVar[frozenset[str]] = frozenset({"any_layout"})

    assert Mine.capabilities == {"keys", "stats", "delta", "any_layout"}
    cache = Mine(100, "cpu")
    assert (cache.current_bytes, len(cache), "a" in cache, cache.get("a")) == (0, 0, False, None)
    with pytest.raises(AttributeError):
        cache.no_such_call  # noqa: B018
    with pytest.raises(TypeError, match=r"make = my_engine\.EmbeddingCache"):
        adapters.DuckTyped(100, "cpu")


@pytest.mark.parametrize("factory", [adapters.SglangStatic, adapters.VllmEncoderCache, adapters.dynamo])
def test_a_package_that_is_missing_is_named(factory: Any) -> None:
    with pytest.raises(Unsupported, match=r"cannot be imported .* pip install (sglang|vllm|ai-dynamo)"):
        factory(100, "cpu")


@pytest.mark.parametrize(
    ("name", "package"),
    [("sglang", "sglang"), ("vllm", "vllm"), ("dynamo", "ai-dynamo")],
)
def test_a_shipped_adapter_without_its_package_is_one_error(tmp_path: Path, name: str, package: str) -> None:
    done = _contracts(tmp_path, name)
    assert done.returncode == 2
    assert f"No module named '{name}'\npip install {package}\n" in done.stdout
    assert "FAIL" not in done.stdout, "a package that is missing is no verdict"


WAITING = """
import collections
import threading

from trueup_reference.embedding_cache import EmbeddingCache

class Cache(EmbeddingCache):
    capabilities = {"get_or_compute", "threads"}

    def __init__(self, **given):
        super().__init__(**given)
        self.began = collections.Counter()

    def get_or_compute(self, key, compute):
        self.began[key] += 1
        if self.began[key] > 1:
            threading.Event().wait()
        return super().get_or_compute(key, compute)
"""


def test_threads_that_wait_for_ever_do_not_keep_pytest_from_ending(tmp_path: Path) -> None:
    (tmp_path / "waiting.py").write_text(WAITING, encoding="utf-8")
    done = _contracts(tmp_path, "waiting:Cache", "--contracts-timeout-scale", "0.2", "-k", "failed_computation")
    assert done.returncode == 1
    assert "the implementation gave no answer to get_or_compute within 6 s" in done.stdout


def _contracts(folder: Path, target: str, *options: str) -> subprocess.CompletedProcess[str]:
    argv = ["-m", "pytest", "--contracts", "--contracts-impl", f"embedding-cache = {target}", "--rootdir", str(folder)]
    return subprocess.run(
        [sys.executable, *argv, "-p", "no:cacheprovider", *options],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def _run(folder: Path, path: Path | None, *options: str) -> tuple[subprocess.CompletedProcess[str], dict[str, str]]:
    report = folder / "report.json"
    argv = ["-m", "pytest", "--contracts", "--contracts-impl", "embedding-cache = cachetools", "-p", "no:cacheprovider"]
    argv += ["--contracts-profile", "quick", f"--contracts-report=json={report}", "--rootdir", str(folder), *options]
    environment = os.environ | ({"PYTHONPATH": str(path)} if path is not None else {})
    done = subprocess.run(
        [sys.executable, *argv], cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    [told] = json.loads(report.read_text(encoding="utf-8"))["implementations"]
    return done, {identity: one["state"] for identity, one in told["requirements"].items()}


def test_cachetools_8_meets_the_contract(tmp_path: Path) -> None:
    done, states = _run(tmp_path, None)
    assert done.returncode == 0, done.stdout
    assert set(states.values()) <= {"pass", "not-claimed"}


KNOWN = """
[[known]]
requirement = "{}"
reason = "cachetools before 8.0 evicts as if the overwritten value stayed"
issue = "https://github.com/tkem/cachetools/blob/master/CHANGELOG.rst"
"""


def test_cachetools_before_8_evicts_too_much_at_an_overwrite(tmp_path: Path) -> None:
    older = tmp_path / "older"
    # Its own files alone: the rest comes from this environment.
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(older), "cachetools==7.0.0"]
    subprocess.run(pip, check=True, capture_output=True, timeout=120)
    # Finding the shortest sequence for EC-019 takes long; these fail at once.
    done, states = _run(tmp_path, older, "-k", "overwrite or recent")
    assert done.returncode == 1
    assert "{'a': 40, 'b': 50}, b=60 left 'b', not 'ab'" in done.stdout
    wrong = {identity for identity, state in states.items() if state == "fail"}
    assert "EC-007" in wrong
    known = tmp_path / "known.toml"
    known.write_text("".join(KNOWN.format(identity) for identity in sorted(wrong)), encoding="utf-8")
    done, states = _run(tmp_path, older, f"--contracts-known={known}", "-k", "overwrite or recent")
    assert done.returncode == 0, done.stdout
    assert {identity for identity, state in states.items() if state == "known"} == wrong
