"""`trueup grid-config show`, `explain` and `convert`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from trueup.cli import main

DATA = Path(__file__).parent / "data"


def printed(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["grid-config", *words]) == 0, capsys.readouterr().err
    return capsys.readouterr().out


def test_show_draws_every_grid(capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        printed(capsys, "show", str(DATA / "disagg-2p1d.configmap.yaml"))
        == """\
prefill: 2 pools, ISL x TTFT ms
  pool 0: ${K8S_NAMESPACE}-prefill-0, priority 0
  pool 1: ${K8S_NAMESPACE}-prefill-1, priority 1

  ISL \\ TTFT ms  < 1020  >= 1020
         < 4000       0        0
    4000 - 8000       1        0
   8000 - 12000       1        0
       >= 12000       1        1

decode: 1 pools, context length x ITL ms
  pool 0: ${K8S_NAMESPACE}-decode-0, priority 0

  context length \\ ITL ms  any
                      any    0
"""
    )


def test_show_draws_a_layer_for_each_band_of_a_third_axis(capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(capsys, "show", str(DATA / "agg-isl.json"))
    assert [line.strip() for line in text.splitlines() if line.startswith("  ISL")] == [
        "ISL < 4000",
        "ISL 4000 - 8000",
        "ISL 8000 - 12000",
        "ISL >= 12000",
    ]


EXPLAINED = [
    (
        ["disagg-2p1d.configmap.yaml", "--isl", "4096", "--ttft-ms", "200"],
        "prefill: pool 1 (${K8S_NAMESPACE}-prefill-1)\n"
        "  ISL 4096: band 1 of 4 (4000 - 8000)\n"
        "  TTFT ms 200: band 0 of 2 (< 1020)\n",
    ),
    (
        ["agg.json", "--priority", "12"],
        "agg: pool 1 (agg-large)\n"
        "  TTFT ms 1050 (no target given: the midpoint of the bounds): band 2 of 4 (1050 - 1550)\n"
        "  ITL ms 55 (no target given: the midpoint of the bounds): band 1 of 2 (>= 55)\n"
        "  priority 12: the override for 10 to 100 wins\n",
    ),
    (
        ["agg-isl.json", "--isl", "99999", "--itl-ms", "0"],
        "agg: pool 1 (gr-long)\n"
        "  ISL 99999 (outside the bounds): band 3 of 4 (>= 12000)\n"
        "  TTFT ms 500 (no target given: the midpoint of the bounds): band 0 of 1 (any)\n"
        "  ITL ms 0: band 0 of 2 (< 50)\n",
    ),
]


@pytest.mark.parametrize(("words", "expected"), EXPLAINED, ids=[row[0][0] for row in EXPLAINED])
def test_explain(words: list[str], expected: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, "explain", str(DATA / words[0]), *words[1:]) == expected


def test_converted_there_and_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    router = DATA / "pair-router.json"
    form = tmp_path / "picker.yaml"
    form.write_text(printed(capsys, "convert", str(router), "--to", "picker", "--lossy"))
    assert yaml.safe_load(form.read_text())["kind"] == "EndpointPickerConfig"
    half = json.loads(printed(capsys, "convert", str(form), "--to", "router", "--phase", "prefill"))
    whole = json.loads(router.read_text())
    assert half == {key: whole[key] for key in half}
    assert set(half) == {"num_prefill_pools", "prefill_pool_dynamo_namespaces", "prefill_pool_selection_strategy"}


MISTAKES = [
    (["convert", "pair-router.json", "--to", "picker"], "the picker's form cannot say: prefill_pool_priorities"),
    (["convert", "agg.json", "--to", "picker"], "the configuration has no grid for prefill"),
    (["convert", "agg.json", "--to", "router"], "holds 0 grids in the picker's form"),
    (["convert", "pair-picker-matches.yaml", "--to", "picker"], "holds 0 grids in the router's form"),
    (["explain", "agg-isl.json"], "this grid has an axis of input lengths"),
    (["explain", "pair-router.json"], "nothing was asked of this file's grids"),
    (["explain", "agg.json", "--ttft-ms", "nan"], "'nan' is no number of milliseconds"),
    (["explain", "agg.json", "--isl", "-1"], "'-1' is no number of tokens"),
    (["show", "wrong.json"], "wrong.json:4:23: /num_decode_pools: a boolean where an integer belongs"),
    (["show", "nowhere.json"], "cannot be read: No such file or directory"),
]


@pytest.mark.parametrize(("words", "told"), MISTAKES, ids=[" ".join(row[0]) for row in MISTAKES])
def test_mistakes_are_told_in_one_line(words: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["grid-config", words[0], str(DATA / words[1]), *words[2:]]) == 2
    error = capsys.readouterr().err
    assert told in error
    assert "Traceback" not in error
