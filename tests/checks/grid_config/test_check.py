"""`trueup grid-config` from outside: where grids are found, what is told of them, what is mended."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fix_repository import Repository

DATA = Path(__file__).parent / "data"
GRID = json.loads((DATA / "pair-router.json").read_text())
Make = Callable[..., Repository]


def found(repository: Repository, *args: str) -> list[str]:
    """`PATH:LINE:COLUMN RULE POINTER` of a run."""
    done = repository.trueup("grid-config", *args, "--report", "json")
    assert done.returncode in (0, 1), done.stderr
    return [
        f"{one['path']}:{one['line']}:{one['column']} {one['rule'].partition('/')[2]} {one['target']}"
        for one in json.loads(done.stdout)["findings"]
    ]


def notes(repository: Repository, *args: str) -> list[str]:
    """`PATH: NOTE` of a run."""
    done = repository.trueup("grid-config", *args, "--report", "json")
    return [f"{one['path']}: {one['message']}" for one in json.loads(done.stdout)["notes"]]


def counted(repository: Repository, *args: str) -> int:
    """How many grids a run looked at."""
    counts: dict[str, int] = json.loads(repository.trueup("grid-config", *args, "--report", "json").stdout)["checks"][
        0
    ]["counts"]
    return counts["grids"]


def with_data(repository: Repository, *names: str) -> Repository:
    for name in names:
        shutil.copy(DATA / name, repository.root / name)
    repository.add()
    return repository


def test_what_operators_ship_is_clean(repository: Repository) -> None:
    with_data(repository, "agg.json", "agg-isl.json", "disagg-2p1d.configmap.yaml", "pair-router.json")
    with_data(repository, "pair-picker-matches.yaml")
    done = repository.trueup("check")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("trueup: 5 grids checked in ")


def test_places_in_a_config_map_are_those_of_the_manifest(repository: Repository) -> None:
    text = (DATA / "disagg-2p1d.configmap.yaml").read_text()
    text = text.replace('"isl_resolution": 4', '"isl_resolution": 3').replace(
        '"itl_min_ms": 10', '"itl_min_ms": ${MIN}'
    )
    repository.write("deploy/router.yaml", text)
    repository.add()
    line = next(number for number, line in enumerate(text.splitlines(), 1) if "prefill_pool_mapping" in line)
    column = text.splitlines()[line - 1].index("[[") + 1
    pointer = "/prefill_pool_selection_strategy/prefill_pool_mapping"
    assert found(repository) == [f"deploy/router.yaml:{line}:{column} mapping-shape {pointer}"]
    assert notes(repository) == [
        "deploy/router.yaml: cannot tell what /decode_pool_selection_strategy/itl_min_ms will be: "
        "${MIN} is filled in later"
    ]


@pytest.mark.parametrize("arguments", [[], ["--staged"], ["--ref", "HEAD"]], ids=["work tree", "index", "commit"])
def test_two_forms_that_differ_name_the_cell(repository: Repository, arguments: list[str]) -> None:
    with_data(repository, "pair-router.json", "pair-picker-differs.yaml").commit()
    assert found(repository, *arguments) == ["pair-picker-differs.yaml:15:41 forms-differ /mapping/2/1"]
    told = repository.trueup("grid-config", *arguments).stdout
    assert "size band 2, latency band 1: tp2 here, tp4 in pair-router.json (prefill)" in told
    assert "    -> 2\n" in told


RENAMED = {"tp1": "fast", "tp2": "middle", "tp4": "slow"}
PAIR = """\
[[grid-config.pairs]]
picker = "picker.yaml"
router = "pair-router.json"
phase = "prefill"
pools = { fast = "tp1", middle = "tp2", slow = "tp4" }
"""


def with_renamed_picker(repository: Repository, which: str, pairs: str = PAIR) -> Repository:
    """The picker's form under other names than the router's, which nothing but the configuration can pair."""
    text = (DATA / f"pair-picker-{which}.yaml").read_text()
    for label, name in RENAMED.items():
        text = text.replace(label, name)
    with_data(repository, "pair-router.json").write("picker.yaml", text)
    repository.write("trueup.toml", pairs)
    repository.commit()
    return repository


def test_forms_with_different_names_are_paired_by_the_configuration(repository: Repository) -> None:
    with_renamed_picker(repository, "differs")
    done = repository.trueup("grid-config")
    assert done.returncode == 1
    assert done.stdout.splitlines()[:2] == [
        "picker.yaml:15:41: error: /mapping/2/1: size band 2, latency band 1: middle (tp2) here, slow (tp4) in "
        "pair-router.json (prefill) [grid-config/forms-differ]",
        "    -> 2",
    ]


def test_forms_with_different_names_that_agree_are_clean(repository: Repository) -> None:
    assert found(with_renamed_picker(repository, "matches")) == []


PAIRS: dict[str, tuple[tuple[str, str], str]] = {
    "a file that is not there": (
        ('"picker.yaml"', '"piker.yaml"'),
        "grid-config.pairs[0].picker: no grid was found in",
    ),
    "another phase": (('"prefill"', '"agg"'), "grid-config.pairs[0].phase: pair-router.json has no agg pools"),
    "no phase": (
        ('"prefill"', '"prefil"'),
        "grid-config.pairs[0].phase: 'prefil' is unknown (did you mean 'prefill'?)",
    ),
    "a label": (("{ fast", "{ fats"), "grid-config.pairs[0].pools: the picker has no pool 'fats'"),
    "a namespace": (('"tp1"', '"tp3"'), "grid-config.pairs[0].pools: 'fast' is 'tp3', and the router has no such pool"),
    "one pool for two": (('"tp1"', '"tp2"'), "grid-config.pairs[0].pools: 2 of the router's 3 pools are named"),
}


@pytest.mark.parametrize(("change", "told"), PAIRS.values(), ids=PAIRS)
def test_pairs_that_cannot_be_obeyed(repository: Repository, change: tuple[str, str], told: str) -> None:
    with_renamed_picker(repository, "differs", PAIR.replace(*change))
    done = repository.trueup("grid-config")
    assert done.returncode == 2
    assert told in done.stderr


def test_differing_bounds_are_told_one_by_one(repository: Repository) -> None:
    with_data(repository, "pair-router.json")
    text = (DATA / "pair-picker-matches.yaml").read_text()
    repository.write("picker.yaml", text.replace("sizeMax: 12000", "sizeMax: 12001").replace("MaxMs: 900", "MaxMs: 9"))
    repository.add()
    assert [line.split()[1:] for line in found(repository)] == [
        ["forms-differ", "/sizeMax"],
        ["forms-differ", "/latencyMaxMs"],
    ]


def test_among_several_grids_of_the_same_names_the_one_beside_it_counts(repository: Repository) -> None:
    for folder in ("a", "b"):
        repository.write(f"{folder}/router.json", json.dumps(GRID))
    shutil.copy(DATA / "pair-picker-differs.yaml", repository.root / "a/picker.yaml")
    repository.write("c/picker.yaml", (DATA / "pair-picker-differs.yaml").read_text())
    repository.add()
    assert [line.split(":")[0] for line in found(repository)] == ["a/picker.yaml"]
    assert notes(repository) == ["c/picker.yaml: not compared: 2 router grids have pools of the same names"]


def picker(**changes: Any) -> str:
    parameters = {
        "poolLabel": "pool",
        "poolLabels": ["a", "b"],
        "sizeMin": 0,
        "sizeMax": 10,
        "sizeResolution": 1,
        "latencyMinMs": 0,
        "latencyMaxMs": 10,
        "latencyResolution": 2,
        "mapping": [[0, 1]],
        **changes,
    }
    return json.dumps({"plugins": [{"type": "pool-selector", "parameters": parameters}]})


PICKERS: list[tuple[dict[str, Any], list[str]]] = [
    ({}, []),
    ({"mapping": [[0, 2]]}, ["unknown-pool /mapping/0/1"]),
    ({"mapping": [[0]]}, ["mapping-shape /mapping/0"]),
    ({"sizeMax": 0}, ["empty-range /sizeMax"]),
    ({"latencyResolution": 0}, ["out-of-range /latencyResolution"]),
    ({"poolLabels": ["a", "a"]}, ["duplicate-namespace /poolLabels/1"]),
    ({"poolLabels": ["a", " "]}, ["blank-namespace /poolLabels/1"]),
    ({"poolLabels": []}, ["namespace-count /poolLabels"]),
    ({"sizeMaximum": 3}, ["unknown-field /sizeMaximum"]),
    ({"sizeMin": 0.5}, ["wrong-type /sizeMin"]),
]


@pytest.mark.parametrize(("changes", "expected"), PICKERS, ids=[str(row[0]) for row in PICKERS])
def test_the_pickers_form(repository: Repository, changes: dict[str, Any], expected: list[str]) -> None:
    repository.write("epp.yaml", picker(**changes))  # JSON is YAML
    repository.add()
    assert [line.partition(" ")[2] for line in found(repository)] == expected


MENTIONS = {
    "a schema.json": '{"properties": {"prefill_pool_selection_strategy": {"type": "object"}}}',
    "a text.json": '{"help": "see prefill_pool_selection_strategy: it chooses a pool"}',
    "a template.yaml": "{{ if .Values.x }}\nprefill_pool_selection_strategy: {{ .Values.grid }}\n",
    "another.json": '{"a": 1',
    "prose.md": '"prefill_pool_selection_strategy": ',
    "list.yaml": "- pool-selector\n- [\n",
}


def test_what_only_mentions_a_grid_is_none(repository: Repository) -> None:
    repository.commit(dict(MENTIONS))
    assert (found(repository), counted(repository)) == ([], 0)


def test_grids_in_other_places(repository: Repository) -> None:
    bad = {**GRID, "mode": "aggg"}
    block = "".join(f"      {line}\n" for line in json.dumps(bad, indent=2).splitlines())
    quoted = "".join(f"      {line}\n" for line in picker(mapping=[[9, 9]]).splitlines())
    repository.commit(
        {
            "nested.json": json.dumps({"spec": [{"router": bad}]}),
            "plain.yml": json.dumps(bad),
            "indented.yaml": f"a:\n  - data:\n     x.json: |\n{block}",
            "inner.yaml": f"data:\n  epp.yaml: |\n{quoted}",
            "looks.json": '{"agg_pool_selection_strategy": {,}}',
        }
    )
    assert [line.split(":")[0] + " " + line.split()[1] for line in found(repository)] == [
        "indented.yaml unknown-mode",
        "inner.yaml unknown-pool",
        "inner.yaml unknown-pool",
        "looks.json not-json",
        "nested.json unknown-mode",
        "plain.yml unknown-mode",
    ]


def test_a_file_that_is_named_is_a_grid_whatever_it_holds(repository: Repository) -> None:
    repository.commit({"empty.json": "", "typo.json": '{"prefil_pool_selection_strategy": {}}'})
    assert found(repository) == []
    assert found(repository, "empty.json") == ["empty.json:1:1 not-json "]
    assert "typo.json:1:2 unknown-field /prefil_pool_selection_strategy" in found(repository, "typo.json")
    repository.write("new.json", "[]")
    assert found(repository, "new.json") == ["new.json:1:1 wrong-type "]


def test_fix_renames_deprecated_fields_and_nothing_else(repository: Repository) -> None:
    with_data(repository, "first-release.json")
    before = (repository.root / "first-release.json").read_text()
    done = repository.trueup("grid-config", "--fix")
    assert done.returncode == 0
    after = before
    for name in ("ttft_min", "ttft_max", "itl_min", "itl_max"):
        after = after.replace(f'"{name}"', f'"{name}_ms"')
    assert (repository.root / "first-release.json").read_text() == after
    assert found(repository) == []


def test_fix_in_a_manifest_keeps_its_bytes(repository: Repository) -> None:
    grid = json.loads((DATA / "first-release.json").read_text())
    block = "".join(f"    {line}\r\n" for line in json.dumps(grid, indent=1).splitlines())
    before = f"# größe\r\ndata:\r\n  grid.json: |\r\n{block}".encode()
    place = repository.write("m.yaml", before)
    repository.add()
    assert repository.trueup("grid-config", "--fix").returncode == 0
    after = before
    for name in (b"ttft_min", b"ttft_max", b"itl_min", b"itl_max"):
        after = after.replace(b'"' + name + b'"', b'"' + name + b'_ms"')
    assert place.read_bytes() == after != before


def test_a_rule_that_is_off_can_be_switched_on(repository: Repository) -> None:
    grid = {**GRID, "prefill_pool_priorities": [2, 0, 1]}
    repository.commit({"g.json": json.dumps(grid)})
    assert found(repository) == []
    repository.write("trueup.toml", '[rules]\n"grid-config/not-monotonic" = "error"\n')
    assert {line.split()[1] for line in found(repository)} == {"not-monotonic"}


def test_suppression_by_configuration_and_baseline(repository: Repository) -> None:
    repository.commit({"g.json": json.dumps({**GRID, "x": 1}), "h.json": json.dumps({**GRID, "y": 1})})
    repository.write(
        "trueup.toml", '[[ignore]]\nrule = "grid-config/*"\nreason = "a demo"\npaths = ["g.json"]\ntargets = ["/x"]\n'
    )
    assert [line.split()[-1] for line in found(repository)] == ["/y"]
    assert repository.trueup("grid-config", "--write-baseline", "base.json").returncode == 0
    assert found(repository, "--baseline", "base.json") == []


HOSTILE = {
    "deep.json": b'{"agg_pool_selection_strategy": ' + b"[" * 100_000,
    "latin.json": b'{"agg_pool_selection_strategy": "\xff"}',
    "bomb.yaml": b"agg_pool_selection_strategy: &a [1, 1]\n"
    + b"".join(b"k%d: &b%d [*a, *a]\n" % (n, n) for n in range(9))
    + b"x: &c [*b8, *b8]\n",
    "deep.yaml": b"agg_pool_selection_strategy: " + b"[" * 3000,
    "tag.yaml": b"agg_pool_selection_strategy: !!python/object/apply:os.system ['touch pwned']\n",
    "nul.json": b'{"agg_pool_selection_strategy": \0}',
    "escape.json": b'{"agg_pool_selection_strategy": {"\\u001b[31m\\n::error::x": 1}}',
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_findings_and_never_a_crash(repository: Repository, name: str) -> None:
    repository.commit({name: HOSTILE[name]})
    done = repository.trueup("grid-config")
    assert done.returncode in (0, 1)
    assert "Traceback" not in done.stderr
    assert "\x1b" not in done.stdout
    assert not any(line.startswith("::") for line in done.stdout.splitlines())
    assert not (repository.root / "pwned").exists()


def test_aliases_are_not_multiplied(repository: Repository) -> None:
    levels = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12))
    repository.commit({"bomb.yaml": f"a0: &a0 [0]\n{levels}x:\n  agg_pool_selection_strategy: *a11\n"})
    assert [line.split()[1] for line in found(repository)] == ["not-json"]


def test_a_file_that_is_too_large_is_reported(repository: Repository) -> None:
    repository.commit({"big.json": b'{"agg_pool_selection_strategy": 1}' + b" " * (4 << 20)})
    done = repository.trueup("grid-config", "--report", "json")
    assert [one["rule"] for one in json.loads(done.stdout)["findings"]] == ["trueup/file-too-large"]


def test_outside_git(tmp_path: Path) -> None:
    folder = Repository.__new__(Repository)
    folder.root = tmp_path / "plain"
    folder.write("g.json", json.dumps({**GRID, "x": 1}))
    assert [line.split()[-1] for line in found(folder)] == ["/x"]


def test_excluded_files(repository: Repository) -> None:
    repository.commit({"t/g.json": json.dumps({**GRID, "x": 1})})
    repository.write("trueup.toml", '[grid-config]\nexclude = ["t/"]\n')
    assert found(repository) == []
