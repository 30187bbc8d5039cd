"""The verdict on a dashboard is what a real Prometheus shows: data, or an empty panel."""

from __future__ import annotations

import contextlib
import json
import time
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

from checks.metrics.endpoints import engine_registry, served
from checks.metrics.test_doctor import PROMETHEUS, needs_rewriting, prometheus, prometheus_version
from fix_repository import Repository

CONFIG = """\
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
- job_name: engine
  static_configs: [{{targets: ['{engine}']}}]
"""
# Every expression with both spellings of the prefix; all of them show something where the name is right.
EXPRESSIONS = [
    "max({}num_running_reqs)",
    "{}prompt_tokens_total > 0",
    "sum by (le) ({}e2e_request_latency_seconds_bucket)",
    "{}e2e_request_latency_seconds_sum / {}e2e_request_latency_seconds_count",
]


def shows(url: str, expression: str) -> bool:
    """Whether an instant query finds anything."""
    with urllib.request.urlopen(f"{url}/api/v1/query?query={urllib.parse.quote(expression)}", timeout=5) as answer:
        return bool(json.load(answer)["data"]["result"])


@needs_rewriting
@pytest.mark.skipif(PROMETHEUS is None, reason="prometheus (Debian's package) is not installed")
def test_a_panel_is_right_where_it_shows_something(repository: Repository, tmp_path: Path) -> None:
    scraper = "prometheus-3" if prometheus_version() >= (3, 0) else "prometheus-2"
    asked = [one.replace("{}", prefix) for one in EXPRESSIONS for prefix in ("sglang:", "sglang_")]
    panels = [{"title": one, "targets": [{"expr": one}]} for one in asked]
    repository.write("dashboard.json", json.dumps({"title": "Engine", "schemaVersion": 39, "panels": panels}))
    repository.add()
    done = repository.trueup("dashboards", "--policy", "builtin:sglang", "--scraper", scraper, "--report", "json")
    blind = {one["message"].split("'")[1] for one in json.loads(done.stdout)["findings"]}

    with served(engine_registry()) as engine, prometheus(tmp_path, CONFIG.format(engine=engine.split("/")[2])) as url:
        shown: set[str] = set()
        deadline = time.monotonic() + 60
        while len(shown) < len(EXPRESSIONS):  # the first scrape may come between two queries
            assert time.monotonic() < deadline, (tmp_path / "log").read_text()
            with contextlib.suppress(OSError):
                shown = {one for one in asked if shows(url, one)}
    assert shown == set(asked) - blind
    assert len(shown) == len(EXPRESSIONS)
