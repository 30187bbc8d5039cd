"""`trueup metrics` on files, standard input, endpoints and repositories; `snapshot`; `diff`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings

from checks.metrics.endpoints import engine_registry, served
from checks.metrics.generating import lawful
from fix_repository import Repository
from trueup.cli import main
from trueup.metrics.exposition.exposition import read_exposition
from trueup.metrics.policy import PolicySet, parse_policy
from trueup.metrics.policy.comparing import compare
from trueup.metrics.policy.deriving import as_yaml, derive

GOOD = "# HELP queue_depth Requests that wait.\n# TYPE queue_depth gauge\nqueue_depth 3\n"
BAD = "# HELP requests_total Requests.\n# TYPE requests_total counter\nrequests_total -1\n"
TEXT = "text/plain; version=0.0.4; charset=utf-8"

Capture = pytest.CaptureFixture[str]


def test_a_file(place: Path, capsys: Capture) -> None:
    (place / "a.prom").write_text(BAD)
    assert main(["metrics", "a.prom"]) == 1
    out = capsys.readouterr().out
    assert out.startswith("a.prom:3:16: error: requests_total is below zero [metrics/negative-counter]\n")
    assert "trueup: 1 exposition, 1 sample checked" in out


def test_a_file_in_order(place: Path, capsys: Capture) -> None:
    (place / "a.prom").write_text(GOOD)
    assert main(["metrics", "-q", "a.prom"]) == 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("redirected", [True, False], ids=["file", "pipe"])
def test_standard_input(place: Path, redirected: bool) -> None:
    (place / "a").write_text(BAD)
    command = [sys.executable, "-P", "-m", "trueup", "metrics", "-"]
    with (
        open(place / "a", "rb") as file,
        subprocess.Popen(command, stdin=file if redirected else subprocess.PIPE, stdout=subprocess.PIPE) as process,
    ):
        out, _ = process.communicate(None if redirected else BAD.encode())
    assert process.returncode == 1
    assert out.startswith(b"<stdin>:3:16: error: requests_total is below zero")


def test_an_endpoint(place: Path, capsys: Capture) -> None:
    with served(engine_registry()) as url:
        assert main(["metrics", "-q", "--policy", "builtin:sglang", "--scrape", url]) == 1
    assert (
        "sglang:prompt_tokens_total without the label is_streaming [metrics/missing-label]" in capsys.readouterr().out
    )


def test_an_engines_colons_need_its_policy(place: Path, capsys: Capture) -> None:
    (place / "a.prom").write_text("# HELP vllm:num_requests_running R.\n# TYPE vllm:num_requests_running gauge\n")
    assert main(["metrics", "a.prom"]) == 1  # it has no sample
    assert "has a colon [metrics/colon]\n    -> --policy builtin:vllm\n" in capsys.readouterr().out
    assert main(["metrics", "a.prom", "--policy", "builtin:vllm"]) == 1
    assert "metrics/colon" not in capsys.readouterr().out


def test_the_configuration_around_here_holds(place: Path, capsys: Capture) -> None:
    (place / "trueup.toml").write_text(
        '[metrics]\npolicies = ["p.yaml"]\n[rules]\n"metrics/no-help" = "off"\n'
        '[[ignore]]\nrule = "metrics/no-type"\nreason = "generated"\n'
    )
    (place / "p.yaml").write_text("name: p\nfamilies: {queue_depth: {type: counter}}\n")
    (place / "sub").mkdir()
    (place / "a.prom").write_text("queue_depth 3\n")
    assert main(["metrics", "a.prom"]) == 1
    told = [line for line in capsys.readouterr().out.splitlines() if line.startswith("a.prom")]
    assert told == ["a.prom:1:1: error: queue_depth is a untyped here, a counter in the policy [metrics/type-mismatch]"]


def test_as_a_scraper_stores_it(place: Path, capsys: Capture) -> None:
    (place / "a.prom").write_text("# HELP e_x X.\n# TYPE e_x gauge\ne_x 1\n")
    (place / "p.yaml").write_text(
        "name: p\nprefixes: [{prefix: 'e:', instead-of: [e_], closed: true, python-client: true}]\n"
        "families: {'e:x': {type: gauge}}\n"
    )
    assert main(["metrics", "a.prom", "--policy", "p.yaml"]) == 1
    assert "[metrics/wrong-prefix]\n    -> e:x\n" in capsys.readouterr().out
    assert main(["metrics", "a.prom", "--policy", "p.yaml", "--scraper", "prometheus-2"]) == 0


def test_every_report(place: Path, capsys: Capture) -> None:
    (place / "a.prom").write_text(BAD)
    reports = [f"--report={form}={place / form}" for form in ("json", "sarif", "junit", "html", "github", "text")]
    assert main(["metrics", "a.prom", *reports]) == 1
    found = json.loads((place / "json").read_text())
    assert [one["rule"] for one in found["findings"]] == ["metrics/negative-counter"]
    assert json.loads((place / "sarif").read_text())["runs"][0]["results"][0]["ruleId"] == "metrics/negative-counter"
    assert (place / "github").read_text().startswith("::error ")


def test_the_expositions_of_a_repository(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "r")
    repository.commit(
        {
            "fixtures/a.prom": BAD,
            "fixtures/b.prom": GOOD,
            "old/c.prom": BAD,
            "d.txt": BAD,
            "trueup.toml": '[metrics]\nexclude = ["old/"]\n',
        }
    )
    done = repository.trueup("check")
    assert done.returncode == 1
    assert [line for line in done.stdout.splitlines() if ": error: " in line] == [
        "fixtures/a.prom:3:16: error: requests_total is below zero [metrics/negative-counter]"
    ]
    assert "trueup: 2 expositions, 2 samples" in done.stdout
    assert repository.trueup("metrics", "fixtures").returncode == 1
    repository.write("fixtures/a.prom", GOOD)
    assert repository.trueup("metrics").returncode == 0
    assert repository.trueup("metrics", "--ref", "HEAD").returncode == 1


def test_expositions_and_folders_are_not_mixed(place: Path, capsys: Capture) -> None:
    (place / "a.prom").write_text(GOOD)
    (place / "folder").mkdir()
    assert main(["metrics", "a.prom", "folder"]) == 2
    assert capsys.readouterr().err == (
        "trueup: error: expositions and other paths (folder) are checked in runs of their own\n"
        "hint: trueup metrics folder\n"
    )


USAGE = [
    (["metrics", "--scraper", "prometheus-4"], "there is no scraper 'prometheus-4'"),
    (["metrics", "--scrape", "ftp://host/metrics"], "'ftp://host/metrics' is no URL of an endpoint"),
    (["metrics", "--scrape", "file:///etc/passwd"], "'file:///etc/passwd' is no URL of an endpoint"),
    (["metrics", "--scrape", "me:secret@host:80/"], "'***@host:80/' is no URL of an endpoint"),
    (
        ["metrics", "doctor", "http://me:secret@host/a b"],
        "'http://***@host/a b': a URL has no spaces and no letters outside ASCII",
    ),
    (
        ["metrics", "snapshot", "http://host/é"],
        "'http://host/é': a URL has no spaces and no letters outside ASCII",
    ),
    (["metrics", "--scrape", "http://host:x/"], "'http://host:x/' is no URL of an endpoint"),
    (["metrics", "-", "--policy", "builtin:vlm"], "there is no built-in policy 'vlm'"),
    (["metrics", "-", "--timeout", "0"], "argument --timeout: '0' is no number of seconds up to 3600"),
    (["metrics", "doctor", "nothing.prom"], "nothing.prom cannot be read: No such file or directory"),
    (["metrics", "snapshot", "."], ". cannot be read: Is a directory"),
    (["metrics", "diff", "builtin:x", "builtin:vllm"], "there is no built-in policy 'x'"),
]


@pytest.mark.parametrize(("words", "message"), USAGE, ids=[" ".join(row[0][:3]) for row in USAGE])
def test_usage_errors(
    words: list[str], message: str, place: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open(os.devnull) as nothing:
        monkeypatch.setattr("sys.stdin", nothing)
        assert main(words) == 2
    assert capsys.readouterr().err.splitlines()[0] == f"trueup: error: {message}"


# --- snapshot and diff ---


def test_a_snapshot_of_an_endpoint(place: Path, capsys: Capture) -> None:
    with served(engine_registry()) as url:
        assert main(["metrics", "snapshot", "--name", "engine", url]) == 0
        text = capsys.readouterr().out
        assert text == (
            "name: engine\n"
            "prefixes:\n"
            "- prefix: 'sglang:'\n"
            "  instead-of: [sglang_]\n"
            "  closed: true\n"
            "families:\n"
            "  sglang:e2e_request_latency_seconds:\n"
            "    type: histogram\n"
            "    labels: [model_name]\n"
            "    allowed-labels: []\n"
            "  sglang:num_running_reqs:\n"
            "    type: gauge\n"
            "    labels: [model_name]\n"
            "    allowed-labels: []\n"
            "  sglang:prompt_tokens_total:\n"
            "    type: counter\n"
            "    labels: [model_name]\n"
            "    allowed-labels: []\n"
        )
        (place / "p.yaml").write_text(text)
        assert main(["metrics", "--scrape", url, "--policy", "p.yaml"]) == 0
        assert main(["metrics", "diff", "p.yaml", url]) == 0


@settings(max_examples=100, deadline=None)
@given(lawful(openmetrics=False))
def test_an_exposition_keeps_its_own_snapshot(text: str) -> None:
    found = read_exposition(text.encode(), PolicySet([]), lint=False)
    policy = derive("own", found.families.values(), required=True)
    read = parse_policy("own.yaml", as_yaml(policy).encode())
    assert read == policy
    assert compare(policy, read) == []
    rules = {"wrong-prefix", "unknown-family", "missing-family", "type-mismatch", "missing-label", "forbidden-label"}
    again = read_exposition(text.encode(), PolicySet([read]))
    assert {one.rule for one in again.faults} & rules == set()


def test_what_changed_between_two_files(place: Path, capsys: Capture) -> None:
    (place / "a.prom").write_text(GOOD)
    (place / "b.prom").write_text(GOOD.replace("queue_depth", "queue_length"))
    assert main(["metrics", "diff", "a.prom", "b.prom"]) == 1
    assert capsys.readouterr() == (
        "- queue_depth  gauge, now queue_length?  breaking\n+ queue_length  gauge\n",
        "trueup: 2 changes, 1 breaking\n",
    )
    assert main(["metrics", "diff", "--json", "a.prom", "a.prom"]) == 0
    assert json.loads(capsys.readouterr().out) == {"schema": 1, "changes": []}


def test_no_snapshot_of_what_is_at_fault(place: Path, capsys: Capture) -> None:
    (place / "a.prom").write_text(BAD)
    assert main(["metrics", "snapshot", "a.prom"]) == 2
    assert capsys.readouterr().err == (
        "trueup: error: a.prom:3:16: requests_total is below zero [metrics/negative-counter]\n"
        "hint: all its faults: trueup metrics a.prom\n"
    )


@pytest.mark.parametrize(
    ("patterns", "tails"),
    [
        (["**/*.prom"], (".prom",)),
        (["**/*.prom", "!old/", "fixtures/a.txt"], (".prom", "a.txt")),
        (["fixtures/"], None),
        (["*.pro[m]"], None),
        ([], ()),
    ],
)
def test_what_every_matching_path_ends_in(patterns: list[str], tails: tuple[str, ...] | None) -> None:
    from trueup.metrics.exposition.part import _tails

    assert _tails(patterns) == tails


def test_samples_without_metadata_may_take_turns() -> None:
    """So exporters without HELP and TYPE write a histogram: bucket, sum and count of one label set after another."""
    groups = "".join(f'x_bucket{{vmrange="a",p="{i}"}} 1\nx_sum{{p="{i}"}} 1\nx_count{{p="{i}"}} 1\n' for i in range(3))
    found = read_exposition(groups.encode(), PolicySet([]))
    assert {one.rule for one in found.faults} == {"no-help", "no-type"}
    assert (found.samples, found.families["x_sum"].series, list(found.families["x_sum"].shapes)) == (9, 3, [("p",)])
    again = read_exposition((groups + 'x_sum{p="1"} 2\n').encode(), PolicySet([]))
    assert [(one.line, one.message) for one in again.faults if one.rule == "duplicate-series"] == [
        (10, "line 5 has this series already")
    ]


def test_families_that_take_turns_in_a_block_cost_no_second_reading() -> None:
    """Metadata that is not written as clients do makes one block of many families."""
    turn = "".join(f" # TYPE f{i} gauge\nf{i} 1\n" for i in range(3000))
    started = time.process_time()
    found = read_exposition((turn + turn).encode(), PolicySet([]))
    assert time.process_time() - started < 5
    assert sum(one.rule == "duplicate-series" for one in found.faults) >= 1000
