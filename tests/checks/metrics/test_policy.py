"""Policies: reading them, asking them, and those that ship with trueup."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import msgspec
import pytest
import yaml

from trueup.config import Config
from trueup.config.model import Metrics
from trueup.errors import ConfigError
from trueup.metrics.policy import (
    Family,
    Policy,
    PolicySet,
    PrefixRule,
    builtin,
    builtin_names,
    load_policies,
    parse_policy,
    policy_problems,
)
from trueup.metrics.policy.comparing import compare
from trueup.metrics.policy.schema import policy_schema

ENGINE = PolicySet(
    [
        Policy(
            name="engine",
            prefixes=[PrefixRule(prefix="e:", instead_of=["e_", "e:e:"], closed=True, python_client=True)],
            families={
                "e:queue": Family(type="gauge"),
                "e:tokens_total": Family(type="counter"),
                "e:ttft_seconds": Family(type="histogram", labels=["model"]),
                "e:size_bytes": Family(type="summary"),
                "e:old": Family(deprecated_since="1.0", renamed_to=["e:queue"]),
                "e:stage_*_seconds": Family(type="histogram"),
            },
        )
    ]
)

SERIES = [
    ("e:queue", "e:queue", "", True),
    ("e:queue_bucket", "e:queue", "_bucket", False),
    ("e:tokens_total", "e:tokens_total", "", True),
    ("e:tokens_created", "e:tokens_total", "_created", True),
    ("e:ttft_seconds_bucket", "e:ttft_seconds", "_bucket", True),
    ("e:ttft_seconds_count", "e:ttft_seconds", "_count", True),
    ("e:ttft_seconds", "e:ttft_seconds", "", False),
    ("e:size_bytes", "e:size_bytes", "", True),
    ("e:size_bytes_bucket", "e:size_bytes", "_bucket", False),
    ("e:stage_decode_seconds_sum", "e:stage_*_seconds", "_sum", True),
]


@pytest.mark.parametrize(("name", "family", "suffix", "is_series"), SERIES)
def test_which_family_a_series_belongs_to(name: str, family: str, suffix: str, is_series: bool) -> None:
    match = ENGINE.series(name)
    assert match is not None
    assert (match.name, match.suffix, match.is_series) == (family, suffix, is_series)


@pytest.mark.parametrize(
    ("name", "family"),
    [("e:tokens", "e:tokens_total"), ("e:queue", "e:queue"), ("e:stage_a_seconds", "e:stage_*_seconds"), ("e:x", None)],
)
def test_which_family_a_type_line_means(name: str, family: str | None) -> None:
    match = ENGINE.family(name)
    assert (match.name if match else None) == family


@pytest.mark.parametrize(
    ("name", "right"), [("e_queue", "e:queue"), ("e:e:queue", "e:queue"), ("e:queue", None), ("other_x", None)]
)
def test_wrong_spellings_of_a_prefix(name: str, right: str | None) -> None:
    wrong = ENGINE.wrong_prefix(name)
    assert (wrong.right if wrong else None) == right


def test_the_nearest_names() -> None:
    assert ENGINE.nearest("e:ttft_second_bucket", 1) == ["e:ttft_seconds_bucket"]
    assert ENGINE.nearest("something_else_entirely") == []


def test_only_a_closed_prefix_makes_a_name_unknown() -> None:
    assert ENGINE.is_closed("e:x")
    assert not ENGINE.is_closed("f:x")


def test_names_as_a_scraper_stores_them() -> None:
    stored = ENGINE.stored_by("prometheus-2")
    match = stored.series("e_ttft_seconds_bucket")
    assert match is not None
    assert match.is_series
    wrong = stored.wrong_prefix("e:queue")
    assert wrong is not None
    assert wrong.right == "e_queue"
    old = stored.family("e_old")
    assert old is not None
    assert old.family.renamed_to == ["e_queue"]
    assert ENGINE.stored_by("prometheus-3") is ENGINE
    assert ENGINE.stored_by(None) is ENGINE


def test_a_later_policy_wins() -> None:
    both = PolicySet([*ENGINE.policies, Policy(name="own", families={"e:queue": Family(type="counter")})])
    match = both.family("e:queue")
    assert match is not None
    assert (match.family.type, match.policy.name) == ("counter", "own")


FAULTY = [
    ("families: {}\n", "1: name: this key is missing"),
    ("name: a\nfamilies:\n  x: {type: conter}\n", "3: families.x.type: 'conter' is unknown (did you mean 'counter'?)"),
    ("name: a\nfamilies:\n  x:\n    lables: [a]\n", "4: families.x.lables: unknown key (did you mean 'labels'?)"),
    ("name: a\nname: b\n", "2: the key 'name' stands here a second time"),
    ("name: &a x\nfamilies: {b: *a}\n", "2: an alias (*name) is not allowed here: write the value out"),
    ("name: !!python/name:os.system x\n", "1: the tag tag:yaml.org,2002:python/name:os.system is not allowed here"),
    ("name: a\n---\nname: b\n", "2: a second document begins here"),
    ("name: " + "[" * 30 + "]" * 30, "1: it is nested more than 20 levels deep"),
    (
        "name: a\nfamilies:\n  x: {labels: [b], forbidden-labels: [b]}\n",
        "3: families.x.forbidden-labels: the label 'b' is required too",
    ),
    (
        "name: a\nprefixes:\n- {prefix: 'a:', instead-of: ['a:']}\n",
        "3: prefixes[0].instead-of: 'a:' is the right spelling",
    ),
    ("name: a\nfamilies:\n  x: {max-series: 0}\n", "3: families.x.max-series: expected an integer >= 1"),
    ("name: [\n", "2: did not find expected node content"),
]


@pytest.mark.parametrize(("text", "message"), FAULTY, ids=[row[1][:32] for row in FAULTY])
def test_a_faulty_policy_says_where(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_policy("p.yaml", text.encode())
    assert caught.value.message == f"p.yaml:{message}"


def test_versions_stay_texts() -> None:
    assert parse_policy("p.yaml", b"name: a\nversion: 1.10\n").version == "1.10"


def test_bytes_that_are_no_text() -> None:
    with pytest.raises(ConfigError, match=r"p\.yaml:2: it is not UTF-8"):
        parse_policy("p.yaml", b"name: a\n\xff\n")


@pytest.mark.parametrize("name", builtin_names())
def test_built_in_policies_make_sense(name: str) -> None:
    policy = builtin(name)
    assert policy.name == name
    assert policy.version
    assert policy.sources
    assert list(policy_problems(policy)) == []
    jsonschema.validate(msgspec.to_builtins(policy), policy_schema())
    known = PolicySet([policy])
    prefixes = tuple(rule.prefix for rule in policy.prefixes)
    for family in policy.families:
        assert known.wrong_prefix(family) is None
    assert any(family.startswith(prefixes) for family in policy.families)


def test_there_are_five() -> None:
    assert builtin_names() == ["dcgm", "dynamo", "sglang", "triton", "vllm"]


FACTS = [
    ("sglang", "sglang:num_running_reqs", "gauge"),
    ("sglang", "sglang:time_to_first_token_seconds", "histogram"),
    ("vllm", "vllm:kv_cache_usage_perc", "gauge"),
    ("vllm", "vllm:request_success_total", "counter"),
    ("dynamo", "dynamo_frontend_time_to_first_token_seconds", "histogram"),
    ("triton", "nv_inference_request_success", "counter"),
    ("dcgm", "DCGM_FI_DEV_GPU_UTIL", "gauge"),
]


@pytest.mark.parametrize(("policy", "name", "kind"), FACTS)
def test_some_facts(policy: str, name: str, kind: str) -> None:
    assert builtin(policy).families[name].type == kind


def test_what_vllm_renamed() -> None:
    old = builtin("vllm").families["vllm:time_per_output_token_seconds"]
    assert old.removed_in == "0.13"
    assert old.renamed_to == ["vllm:request_time_per_output_token_seconds", "vllm:inter_token_latency_seconds"]


def test_a_built_in_policy_that_does_not_exist() -> None:
    with pytest.raises(ConfigError) as caught:
        builtin("slgang")
    assert caught.value.hint == "did you mean 'sglang'?"


def test_the_configuration_names_policies_and_holds_one(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text("name: p\nfamilies: {a: {type: gauge}}\n")
    metrics = Metrics(policies=["p.yaml", "builtin:dcgm"], families={"b": Family(type="counter")})
    found = load_policies(metrics, str(tmp_path))
    assert [policy.name for policy in found.policies] == ["p", "dcgm", "configuration"]
    assert found.family("a")
    assert found.family("b")


def test_no_policy_outside_the_repository(tmp_path: Path) -> None:
    (tmp_path / "outside.yaml").write_text("name: p\n")
    (tmp_path / "repo").mkdir()
    (tmp_path / "repo/p.yaml").symlink_to("../outside.yaml")
    with pytest.raises(ConfigError, match=r"p\.yaml: it is a symlink that leaves the repository"):
        load_policies(Metrics(policies=["p.yaml"]), str(tmp_path / "repo"))


def test_a_policy_behind_a_symlinked_folder_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "repo").mkdir()
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/p.yaml").write_text("name: secret\n")
    (tmp_path / "repo/folder").symlink_to("../outside")
    with pytest.raises(ConfigError, match=r"folder/p\.yaml: it is a symlink that leaves the repository"):
        load_policies(Metrics(policies=["folder/p.yaml"]), str(tmp_path / "repo"))


def test_a_policy_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"p\.yaml: there is no such policy file"):
        load_policies(Metrics(policies=["p.yaml"]), str(tmp_path))


def test_without_a_policy_nothing_is_asked(tmp_path: Path) -> None:
    assert not load_policies(Config().metrics, str(tmp_path))


def test_the_schema_that_ships_is_the_models() -> None:
    import trueup

    place = Path(trueup.__file__).parent / "schemas/metrics-policy.schema.json"
    assert json.loads(place.read_text()) == policy_schema()


def test_the_schema_takes_what_the_loader_takes() -> None:
    text = "name: a\nfamilies:\n  'a:b_total': {type: counter, labels: [m], max-series: 3}\n"
    parse_policy("p.yaml", text.encode())
    jsonschema.validate(yaml.safe_load(text), policy_schema())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"name": "a", "famlies": {}}, policy_schema())


def test_what_changed() -> None:
    old = Policy(
        name="a",
        families={
            "a:gone": Family(type="gauge"),
            "a:b": Family(type="gauge", labels=["m", "pod"]),
            "a:kept": Family(type="counter", labels=["m"]),
            "a:waiting": Family(renamed_to=["a:queue"]),
        },
    )
    new = Policy(
        name="a",
        families={
            "a_gone": Family(type="gauge"),
            "a:b": Family(type="counter", labels=["m"], allowed_labels=["pod"]),
            "a:kept": Family(type="counter", labels=["m", "x"], deprecated_since="2"),
            "a:queue": Family(type="gauge"),
        },
    )
    assert [tuple(change) for change in compare(old, new)] == [
        ("labels", "a:b", "not on every series any more: pod", True),
        ("type", "a:b", "gauge -> counter", True),
        ("removed", "a:gone", "gauge, now a_gone?", True),
        ("deprecated", "a:kept", "deprecated since 2", False),
        ("labels", "a:kept", "with x", False),
        ("added", "a:queue", "gauge", False),
        ("removed", "a:waiting", "a family, now a:queue?", True),
        ("added", "a_gone", "gauge", False),
    ]
    assert compare(old, old) == []
