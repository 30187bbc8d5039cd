"""`trueup dashboards` and `trueup metrics` from outside: what is read, what is told, and where."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from fix_repository import Repository

DATA = Path(__file__).parent / "data"


@pytest.fixture
def engine(repository: Repository) -> Repository:
    """A repository whose configuration names the policy of the tests."""
    shutil.copy(DATA / "policy.yaml", repository.root / "policy.yaml")
    repository.write("trueup.toml", '[metrics]\npolicies = ["policy.yaml"]\n')
    return repository


def report(repository: Repository, *args: str) -> dict[str, Any]:
    repository.add()
    done = repository.trueup("dashboards", *args, "--report", "json")
    assert done.returncode in (0, 1), done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def found(repository: Repository, *args: str) -> list[str]:
    """`RULE TARGET` of a run; every place is checked against the file."""
    lines = []
    for one in report(repository, *args)["findings"]:
        line = (repository.root / one["path"]).read_text(encoding="utf-8").split("\n")[one["line"] - 1]
        at = line[one["column"] - 1 :]
        rule = one["rule"].partition("/")[2]
        name = one["target"].partition("{")[0]
        if "*" not in name and rule not in ("unparseable-expression", "duplicate-key", "unknown-label"):
            assert at.startswith(name), (one, at)
            assert one["end_column"] - one["column"] == len(name)
        lines.append(f"{rule} {one['target']}")
    return lines


def with_data(repository: Repository, name: str) -> Repository:
    shutil.copy(DATA / name, repository.root / name)
    return repository


def test_a_dashboard(engine: Repository) -> None:
    assert found(with_data(engine, "dashboard.json")) == [
        "unknown-metric engine:a1",
        "unknown-metric engine:v1",
        "unknown-metric engine:v2",
        "unknown-metric engine:v3",
        "unknown-metric engine:r1",
        "unknown-metric engine:r2",
        "unknown-metric engine:m1",
        "rate-of-gauge engine:queue_depth",
        "impossible-series engine:queue_depth_bucket",
        "impossible-series engine:wait_seconds",
        "quantile-without-le histogram_quantile",
        "deprecated-metric engine:waiting",
        "deprecated-metric engine:old_seconds_count",
        "unknown-label engine:requests_total{model_nam}",
        "unknown-label engine:requests_total{request_id}",
        "wrong-prefix engine_queue_depth",
        "unknown-metric engine:n1",
        "unknown-metric engine:*_total",
        "unknown-metric engine:*_depth",
        "unparseable-expression sum(rate(engine:requests_total[5m])",
        "unknown-metric engine:u1",
    ]


def test_a_finding_names_panel_pointer_and_place(engine: Repository) -> None:
    with_data(engine, "dashboard.json")
    [one] = [one for one in report(engine)["findings"] if one["target"] == "engine:r2"]
    assert (one["path"], one["line"]) == ("dashboard.json", 30)
    assert one["message"] == ("panel 'In a row', /panels/1/panels/0/targets/0/expr: there is no metric `engine:r2`")
    [one] = [one for one in report(engine)["findings"] if one["target"] == "engine_queue_depth"]
    assert one["suggestion"] == "engine:queue_depth"


def test_the_second_schema(engine: Repository) -> None:
    assert found(with_data(engine, "dashboard-v2.json")) == [
        "unknown-metric engine:p1",
        "unknown-metric engine:p2",
        "unknown-metric engine:p3",
    ]


def test_what_lies_in_a_config_map(engine: Repository) -> None:
    assert found(with_data(engine, "configmap.yaml")) == ["unknown-metric engine:c1", "unknown-metric engine:c2"]


def test_rules(engine: Repository) -> None:
    assert found(with_data(engine, "rules.yaml")) == [
        "unknown-metric engine:g1",
        "unknown-metric engine:g2",
        "unknown-metric engine:g3",
        "unparseable-expression sum(engine:queue_depth",
    ]


def test_resources(engine: Repository) -> None:
    assert found(with_data(engine, "resources.yaml")) == [
        "unknown-metric engine:k1",
        "unknown-metric engine:k2",
        "unknown-metric engine_k3",
        "unknown-metric engine:k4",
        "unknown-metric engine:k5",
    ]


def test_what_helm_fills_in_is_read_around(engine: Repository) -> None:
    assert found(with_data(engine, "helm.yaml")) == [
        "unknown-metric engine:h1",
        "unknown-metric engine:h2",
        "unknown-metric engine:h3",
    ]


def test_a_recording_rule_of_another_file_makes_a_name(engine: Repository) -> None:
    engine.write("dashboard.json", dashboard("engine:depth:avg"))
    assert found(engine) == ["unknown-metric engine:depth:avg"]
    with_data(engine, "rules.yaml")
    assert found(engine, "dashboard.json") == []


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("a.py", 'Gauge("engine:own_depth", "…")'),
        ("a.py", "prometheus_client.Counter(\n    name='engine:own_depth')"),
        ("a.rs", 'register_gauge!("engine:own_depth", "…")'),
        ("a.go", 'prometheus.NewGauge(prometheus.GaugeOpts{\n\tName: "engine:own_depth",\n})'),
        ("a.js", "new client.Gauge({ name: 'engine:own_depth' })"),
    ],
)
def test_a_metric_that_the_source_makes_is_known(engine: Repository, path: str, source: str) -> None:
    engine.write("dashboard.json", dashboard("engine:own_depth"))
    engine.write(path, 'names = ["engine:own_depth"]  # no metric is made here')
    assert found(engine) == ["unknown-metric engine:own_depth"]
    engine.write(path, source)
    assert found(engine) == []


@pytest.mark.parametrize(
    "source",
    [
        'PAGE = """\n# TYPE engine:mocked gauge\nengine:mocked 1\n"""\n',
        "ROWS = [{'name': 'mocked', 'help': 'M'}]\n",
    ],
)
def test_a_stand_in_makes_the_document_beside_it_right_but_no_dashboard(engine: Repository, source: str) -> None:
    engine.write("dashboard.json", dashboard("engine:mocked"))
    for name in ("docs/engine.md", "mock/README.md"):
        engine.write(name, "```text\n# TYPE engine:mocked gauge\nengine:mocked 1\n```\n")
    gone = "documented-but-gone engine:mocked"
    assert found(engine) == ["unknown-metric engine:mocked", gone, gone]
    engine.write("mock/app/main.py", source)
    assert found(engine) == ["unknown-metric engine:mocked", gone]
    assert found(engine, "mock") == []


def test_the_scraper_decides_which_names_are_right(engine: Repository) -> None:
    engine.write("colon.json", dashboard("rate(engine:requests_total[5m])"))
    engine.write("underscore.json", dashboard("rate(engine_requests_total[5m])"))
    for scraper, wrong in (("prometheus-2", "engine:"), ("prometheus-3", "engine_"), ("victoriametrics", "engine_")):
        assert found(engine, "--scraper", scraper) == [f"wrong-prefix {wrong}requests_total"], scraper


def test_without_a_scraper_the_other_spelling_is_explained(engine: Repository) -> None:
    engine.write("dashboard.json", dashboard("engine_queue_depth"))
    for options, hint in (((), True), (("--scraper", "prometheus-3"), False)):
        [one] = report(engine, *options)["findings"]
        assert one["message"] == (
            "panel 'P', /panels/0/targets/0/expr: `engine_queue_depth` should begin with `engine:`: "
            "it is stored as `engine:queue_depth`"
            + ("; by Prometheus 2 as it stands here, so for that one: --scraper prometheus-2" if hint else "")
        )


def test_without_a_policy_only_the_expressions_themselves_are_judged(repository: Repository) -> None:
    with_data(repository, "dashboard.json")
    assert found(repository) == [
        "quantile-without-le histogram_quantile",
        "unparseable-expression sum(rate(engine:requests_total[5m])",
    ]


def test_what_is_no_json_is_told_where_a_dashboard_was_meant(engine: Repository) -> None:
    engine.write("broken.json", '{"panels": [\n  {"targets": [{"expr": "up"},]}\n]}')
    engine.write("other.json", '{"a": [1,], "b": "seriesQuery"}')
    engine.write("twice.json", '{"title": "t", "panels": [{"targets": [{"expr": "up", "expr": "up"}]}]}')
    [broken, twice] = report(engine)["findings"]
    assert (broken["rule"], broken["path"], broken["line"]) == ("metrics/unreadable-consumer", "broken.json", 2)
    assert (twice["rule"], twice["column"]) == ("metrics/duplicate-key", 55)


def test_queries_in_source_files_that_the_configuration_names(engine: Repository) -> None:
    source = (
        "# engine:comment( is no query\n"
        "QUERY = f'sum(rate(engine:s1{{model=\"{model}\"}}[{window}]))'\n"
        'NAME = "engine:queue_dept"\n'
        'OTHER = "engine:latest"\n'
        'TEXT = "engine: the queue (of engine:s2) is full"\n'
        'GO = "sum(engine:s3{namespace=\\"%s\\"})"\n'
        'RIGHT = "engine:wait_seconds"\n'
    )
    engine.write("planner.py", source)
    assert found(engine) == []
    engine.write("trueup.toml", '[metrics]\npolicies = ["policy.yaml"]\ncode = ["*.py"]\n')
    assert found(engine) == ["unknown-metric engine:s1", "unknown-metric engine:queue_dept", "unknown-metric engine:s3"]


def test_constants_prove_names(engine: Repository) -> None:
    """Generated constants often lack the prefix, which the program adds."""
    engine.write("dashboard.json", dashboard("engine:generated_total"))
    engine.write("names.rs", 'pub const GENERATED: &str = "generated_total";\n')
    assert found(engine) == ["unknown-metric engine:generated_total"]
    engine.write("trueup.toml", '[metrics]\npolicies = ["policy.yaml"]\ncode = ["names.rs"]\n')
    assert found(engine) == []


def test_findings_are_ignored_by_the_name_of_the_metric(engine: Repository) -> None:
    engine.write("dashboard.json", dashboard("engine:x1 + engine:y1"))
    ignore = (
        '[[ignore]]\nrule = "metrics/unknown-metric"\ntargets = ["engine:x*"]\nreason = "comes with the next release"\n'
    )
    engine.write("trueup.toml", f'[metrics]\npolicies = ["policy.yaml"]\n{ignore}')
    assert found(engine) == ["unknown-metric engine:y1"]


def test_a_comment_in_a_document_is_obeyed(engine: Repository) -> None:
    engine.write(
        "a.md", "<!-- trueup: ignore metrics/documented-but-gone: comes next -->\n`engine:x1`\n\n`engine:x2`\n"
    )
    assert found(engine) == ["documented-but-gone engine:x2"]


def test_suppressions_of_other_checks_are_not_called_unused(engine: Repository) -> None:
    engine.write("a.md", "<!-- trueup: ignore links/missing-file: later -->\n[a](gone.md) `engine:queue_depth`\n")
    ignored = ("links/missing-fragment", "metrics/bad-line", "grid-config/not-json", "metrics/unknown-metric")
    entries = "".join(f'[[ignore]]\nrule = "{rule}"\nreason = "known"\n' for rule in ignored)
    engine.write("trueup.toml", f'[metrics]\npolicies = ["policy.yaml"]\n{entries}')
    told = report(engine)["findings"]
    assert [(one["rule"], one["target"]) for one in told] == [("trueup/unused-suppression", "metrics/unknown-metric")]


def test_paths_and_exclusions(engine: Repository) -> None:
    engine.write("a/one.json", dashboard("engine:x1"))
    engine.write("b/two.json", dashboard("engine:x2"))
    assert found(engine, "a") == ["unknown-metric engine:x1"]
    engine.write("trueup.toml", '[metrics]\npolicies = ["policy.yaml"]\nexclude = ["a/"]\n')
    assert found(engine) == ["unknown-metric engine:x2"]


def dashboard(*expressions: str) -> str:
    panels = [{"title": "P", "targets": [{"expr": one}]} for one in expressions]
    return json.dumps({"title": "D", "schemaVersion": 39, "panels": panels})
