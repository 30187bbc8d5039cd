"""`trueup metrics doctor` on real endpoints, and what a real Prometheus stores of the same one."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

from checks.metrics.endpoints import Headers, answering, engine_registry, served
from trueup.cli import main
from trueup.metrics.doctor.asking import described, read_names
from trueup.metrics.doctor.scrapers import scrapers

PROMETHEUS = shutil.which("prometheus")
REWRITES = tuple(int(part) for part in version("prometheus-client").split(".")[:2]) >= (0, 23)
needs_rewriting = pytest.mark.skipif(not REWRITES, reason="prometheus-client before 0.23 keeps the colon")

TEXT = "text/plain; version=0.0.4; charset=utf-8"
SAMPLE = b"# HELP queue_depth Requests that wait.\n# TYPE queue_depth gauge\nqueue_depth 3\n"

EXPECTED = """\
URL: the names depend on who asks

  sglang:num_running_reqs  and 4 more like it
    text 0.0.4                        curl, VictoriaMetrics, Prometheus 2.5 to 2.33
    OpenMetrics 1.0.0, allow-utf-8    Prometheus 3.x, OpenTelemetry collector

  sglang_num_running_reqs  and 4 more like it  (HELP and TYPE lines keep the colon)
    OpenMetrics 1.0.0, underscores    Prometheus 2.34 to 2.55, Prometheus 3.x with legacy names

why: whoever asks for OpenMetrics without escaping=allow-utf-8 gets _ in place of the colon. So Python's
  prometheus-client answers from 0.23 on (client_python #1177). curl asks for text, and sees the colon.
  Dashboards with sglang: are right for some scrapers, empty for others; so are those with sglang_.

cures (one is enough; then all store sglang:num_running_reqs):
  Prometheus 2.49 and later   scrape_protocols: [PrometheusText0.0.4]   (asked here: it works)
  Prometheus 3.4 and later    metric_name_escaping_scheme: allow-utf-8   (its default, without legacy names)
  any Prometheus              metric_relabel_configs:
                              - source_labels: [__name__]
                                regex: 'sglang_(.+)'
                                target_label: __name__
                                replacement: 'sglang:$1'
  the exporter                prometheus-client below 0.23
or keep the names, and say whose they are: trueup metrics --scraper prometheus-2
"""


@needs_rewriting
def test_one_server_two_truths(capsys: pytest.CaptureFixture[str]) -> None:
    with served(engine_registry()) as url:
        assert main(["metrics", "doctor", url]) == 1
    assert capsys.readouterr().out.replace(url, "URL") == EXPECTED


def test_names_without_a_colon_are_the_same_for_all(capsys: pytest.CaptureFixture[str]) -> None:
    with served(engine_registry("engine_")) as url:
        assert main(["metrics", "doctor", url]) == 0
    assert capsys.readouterr().out == f"{url}: every scraper stores the same 5 series names\n"


@needs_rewriting
def test_every_answer_as_data(capsys: pytest.CaptureFixture[str]) -> None:
    with served(engine_registry()) as url:
        assert main(["metrics", "doctor", "--json", url]) == 1
    data = json.loads(capsys.readouterr().out)
    assert data["sound"] is False
    assert data["renamed"]["sglang:num_running_reqs"] == "sglang_num_running_reqs"
    assert [one["accept"] for one in data["answers"]] == [one.accept for one in scrapers()]
    by_title = {one["title"]: one for one in data["answers"]}
    assert "sglang:num_running_reqs" in by_title["curl"]["series"]
    assert by_title["curl"]["metadata_only"] == []
    assert "sglang_num_running_reqs" in by_title["Prometheus 2.49 to 2.55"]["series"]
    assert "sglang:num_running_reqs" in by_title["Prometheus 2.49 to 2.55"]["metadata_only"]
    assert by_title["Prometheus 3.4 and later"]["content_type"].endswith("escaping=allow-utf-8")


@needs_rewriting
def test_a_saved_answer_that_contradicts_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with served(engine_registry()) as url:
        request = urllib.request.Request(url, headers={"Accept": "application/openmetrics-text;version=1.0.0"})
        with urllib.request.urlopen(request) as answer:
            body = answer.read()
    place = tmp_path / "saved.txt"
    place.write_bytes(body)
    assert main(["metrics", "doctor", str(place)]) == 1
    first, second, *_ = capsys.readouterr().out.splitlines()
    assert first == f"{place}: OpenMetrics, 5 series names"
    assert second == (
        "  HELP and TYPE say sglang:e2e_request_latency_seconds, the samples sglang_e2e_request_latency_seconds; "
        "so do 2 more"
    )


def by_accept(headers: Headers) -> tuple[int, Headers, bytes]:
    """Faults of a home-made exporter: an error for OpenMetrics, a lost family for VictoriaMetrics."""
    accept = headers.get("accept", "")
    if accept.startswith("application/openmetrics-text;version=1.0.0;escaping=allow-utf-8"):
        return 500, {"Content-Type": "text/plain"}, b"boom"
    if accept.startswith("application/openmetrics"):
        return 200, {"Content-Type": "application/openmetrics-text; version=1.0.0"}, SAMPLE
    if accept == "*/*":
        return 200, {"Content-Type": TEXT}, SAMPLE + b"# HELP extra x\n# TYPE extra gauge\nextra 1\n"
    return 200, {"Content-Type": TEXT}, SAMPLE


def test_other_differences(capsys: pytest.CaptureFixture[str]) -> None:
    with answering(by_accept) as url:
        assert main(["metrics", "doctor", url]) == 1
    assert (
        capsys.readouterr().out.replace(url, "URL")
        == """\
URL: the names depend on who asks

  queue_depth
    text 0.0.4                        curl

  queue_depth
    text 0.0.4                        VictoriaMetrics
    OpenMetrics 1.0.0                 Prometheus 2.x, Prometheus 3.x with legacy names

1 series name is given to some only (or appeared between two questions):
  extra: curl

the body is not what its Content-Type 'application/openmetrics-text; version=1.0.0' says, for Prometheus 2.x, \
Prometheus 3.x with legacy names

no exposition for Prometheus 3.x, OpenTelemetry collector: status 500
"""
    )


def test_an_endpoint_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    port = free_port()
    assert main(["metrics", "doctor", f"http://user:secret@127.0.0.1:{port}/metrics"]) == 2
    err = capsys.readouterr().err
    assert err == f"trueup: error: http://***@127.0.0.1:{port}/metrics: Connection refused\n"


@pytest.mark.parametrize(
    ("content_type", "words"),
    [
        ("text/plain; version=0.0.4; charset=utf-8", "text 0.0.4"),
        ("application/openmetrics-text; version=1.0.0; escaping=underscores", "OpenMetrics 1.0.0, underscores"),
        ("text/html", "text/html"),
        ("", "no Content-Type"),
    ],
)  # fmt: skip
def test_content_types_in_words(content_type: str, words: str) -> None:
    assert described(content_type) == words


def test_created_series_are_left_out() -> None:
    assert set(read_names(b"# TYPE a counter\na_total 1\na_created 1\n# EOF\n").normal) == {"a_total"}


def test_every_scraper_has_a_source() -> None:
    for one in scrapers():
        assert re.match(r"https://\S+", one.source), one.title


# --- what a real Prometheus stores ---


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


CONFIG = """\
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
- job_name: plain
  static_configs: [{{targets: ['{engine}']}}]
- job_name: relabelled
  static_configs: [{{targets: ['{engine}']}}]
  metric_relabel_configs:
  - source_labels: [__name__]
    regex: 'sglang_(.+)'
    target_label: __name__
    replacement: 'sglang:$1'
- job_name: listener
  static_configs: [{{targets: ['{listener}']}}]
"""


@contextlib.contextmanager
def prometheus(folder: Path, config: str) -> Iterator[str]:
    """A Prometheus with a storage of its own, ended whatever happens; its URL."""
    assert PROMETHEUS is not None
    (folder / "prometheus.yml").write_text(config)
    port = free_port()
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen(
            [
                PROMETHEUS,
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=log,
            stderr=log,
        )
    try:
        yield f"http://127.0.0.1:{port}"
        assert process.poll() is None, (folder / "log").read_text()
    finally:
        process.kill()
        process.wait()


def stored_names(url: str, job: str) -> set[str]:
    with urllib.request.urlopen(f'{url}/api/v1/label/__name__/values?match[]={{job="{job}"}}', timeout=5) as answer:
        return set(json.load(answer)["data"])


def prometheus_version() -> tuple[int, int]:
    if PROMETHEUS is None:
        return 0, 0
    done = subprocess.run([PROMETHEUS, "--version"], capture_output=True, text=True, check=True)
    found = re.search(r"version (\d+)\.(\d+)", done.stdout + done.stderr)
    assert found is not None
    return int(found[1]), int(found[2])


@needs_rewriting
@pytest.mark.skipif(PROMETHEUS is None, reason="prometheus (Debian's package) is not installed")
def test_what_a_real_prometheus_stores(tmp_path: Path) -> None:
    """The doctor's claim and its cure by relabelling, on whichever Prometheus is installed (Debian 12 has 2.42)."""
    release = prometheus_version()
    accepts: list[str] = []

    def listen(headers: Headers) -> tuple[int, Headers, bytes]:
        accepts.append(headers["accept"])
        return 200, {"Content-Type": TEXT}, SAMPLE

    with served(engine_registry()) as engine, answering(listen) as listener:
        config = CONFIG.format(engine=engine.split("/")[2], listener=listener.split("/")[2])
        with prometheus(tmp_path, config) as url:
            plain, relabelled = set[str](), set[str]()
            deadline = time.monotonic() + 60
            while not (plain & NAMES and relabelled & NAMES and accepts):
                assert time.monotonic() < deadline, (tmp_path / "log").read_text()
                with contextlib.suppress(OSError):
                    plain, relabelled = stored_names(url, "plain"), stored_names(url, "relabelled")
    assert relabelled & NAMES == {"sglang:num_running_reqs"}
    colon = release >= (3, 0)
    assert plain & NAMES == {"sglang:num_running_reqs" if colon else "sglang_num_running_reqs"}
    assert accepts[0] in {one.accept for one in scrapers() if one.id == ("prometheus-3" if colon else "prometheus-2")}


NAMES = {"sglang:num_running_reqs", "sglang_num_running_reqs"}
