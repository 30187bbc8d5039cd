"""The example of alert rules: promtool takes them, they fire when they should, and the metrics that they name exist."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from fix_repository import PROJECT
from trueup_reference.embedding_cache import EmbeddingCache
from trueup_reference.embedding_cache.backends.redis_cache import RedisCache

FOLDER = PROJECT / "examples/embedding-cache-alerts"
needs_promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")


def promtool(*arguments: str, folder: Path = FOLDER) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["promtool", *arguments], cwd=folder, capture_output=True, text=True, check=False, timeout=60)


@needs_promtool
def test_promtool_takes_the_rules() -> None:
    done = promtool("check", "rules", "--lint=all", "--lint-fatal", "rules.yml")
    assert done.returncode == 0, done.stdout + done.stderr


@needs_promtool
def test_the_alerts_fire_when_they_should_and_not_otherwise() -> None:
    done = promtool("test", "rules", "rules.test.yml")
    assert done.returncode == 0, done.stdout + done.stderr


MISTAKES = {
    "another threshold": ("ratio > 0.8\n        for: 15m", "ratio > 0.9\n        for: 15m"),
    "at least in place of above": ("ratio > 0.8\n        for: 15m", "ratio >= 0.8\n        for: 15m"),
    "hits in place of misses": ("misses_total[10m])\n            /", "hits_total[10m])\n            /"),
    "a division by zero": (" > 0)\n\n", ")\n\n"),
    "no least traffic": (" > 0.1)", ")"),
    "a backend that blinks": ("for: 2m", "for: 0m"),
    "a total in place of an increase": ("increase(", "sum_over_time("),
}


@needs_promtool
@pytest.mark.parametrize("mistake", MISTAKES)
def test_the_test_of_the_alerts_finds_mistakes(mistake: str, tmp_path: Path) -> None:
    before, after = MISTAKES[mistake]
    rules = (FOLDER / "rules.yml").read_text(encoding="utf-8")
    assert before in rules
    (tmp_path / "rules.yml").write_text(rules.replace(before, after), encoding="utf-8")
    shutil.copy(FOLDER / "rules.test.yml", tmp_path)
    assert promtool("test", "rules", "rules.test.yml", folder=tmp_path).returncode == 1


@needs_promtool
def test_promtool_takes_the_metrics() -> None:
    cache = EmbeddingCache(100)
    done = subprocess.run(
        ["promtool", "check", "metrics"], input=cache.metrics_text(), capture_output=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, b"")


def test_the_rules_name_metrics_that_there_are() -> None:
    exposed = {
        sample.name
        for cache in (EmbeddingCache(100), RedisCache("unix:///nowhere", 100))
        for family in text_string_to_metric_families(cache.metrics_text().decode())
        for sample in family.samples
    }
    rules = yaml.safe_load((FOLDER / "rules.yml").read_text(encoding="utf-8"))["groups"][0]["rules"]
    named = {name for rule in rules for name in re.findall(r"(?<!cache:)\btrueup_embedding_cache_\w+", rule["expr"])}
    assert len(named) >= 8
    assert named - exposed == set()
