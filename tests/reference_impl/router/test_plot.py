"""`trueup-router plot`: the grid's cells, the requests' points, and what cannot be drawn."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from trueup_reference.router import plot, plot_requests

GRID: dict[str, Any] = {
    "num_prefill_pools": 2,
    "num_decode_pools": 1,
    "prefill_pool_dynamo_namespaces": ["fast", "$cheap_$"],
    "decode_pool_dynamo_namespaces": ["decode"],
    "prefill_pool_selection_strategy": {
        **{"isl_min": 0, "isl_max": 4000, "isl_resolution": 2},
        **{"ttft_min_ms": 0, "ttft_max_ms": 800, "ttft_resolution": 2},
        "prefill_pool_mapping": [[0, 1], [0, 0]],
        "priority_overrides": [{"min_priority": 10, "max_priority": 20, "target_pool": 0}],
    },
    "decode_pool_selection_strategy": {
        **{"context_length_min": 0, "context_length_max": 4000, "context_length_resolution": 1},
        **{"itl_min_ms": 0, "itl_max_ms": 40, "itl_resolution": 1},
        "decode_pool_mapping": [[0]],
    },
}
AGG_3D: dict[str, Any] = {
    "mode": "agg",
    "num_agg_pools": 2,
    "agg_pool_dynamo_namespaces": ["short", "long"],
    "agg_pool_selection_strategy": {
        **{"isl_min": 0, "isl_max": 16000, "isl_resolution": 4},
        **{"ttft_min_ms": 0, "ttft_max_ms": 1000, "ttft_resolution": 1},
        **{"itl_min_ms": 0, "itl_max_ms": 100, "itl_resolution": 2},
        "agg_pool_mapping": [[[0, 0]], [[1, 0]], [[1, 1]], [[1, 1]]],
    },
}


def run(folder: Path, grid: Any, lines: list[Any] | None, *words: str, out: str = "grid.png") -> int:
    (folder / "grid.json").write_text(grid if isinstance(grid, str) else json.dumps(grid))
    given = [str(folder / "grid.json"), "--out", str(folder / out), *words]
    if lines is not None:
        texts = [one if isinstance(one, str) else json.dumps(one) for one in lines]
        (folder / "requests.jsonl").write_text("\n".join(texts) + "\n")
        given += ["--requests", str(folder / "requests.jsonl")]
    return plot.main(given)


def colours(path: Path) -> set[tuple[int, int, int]]:
    with Image.open(path) as image:
        found = image.convert("RGB").getcolors(1 << 24)
    assert found is not None
    return {colour for _, colour in found}  # type: ignore[misc]


def test_points_are_counted_where_the_router_sends_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [
        {"token_ids": [1] * 100, "targets": {"ttft_target": 700}},
        {"isl": 100, "extra_args": {"ttft_target": 100}},
        {"isl": 100, "router": {"ttft_target": 799, "itl_target": 3}, "routing": {"priority": 15}},
        {"isl": 100},  # the midpoint belongs to the upper band
        "",
        {"isl": 5000, "ttft_target_ms": 1e9},
    ]
    assert run(tmp_path, GRID, lines) == 0
    assert capsys.readouterr().out == (
        f"{tmp_path}/grid.png is drawn\n  prefill: fast 3, $cheap_$ 2\n  decode: decode 5\n"
    )
    assert run(tmp_path, GRID, lines, "--default-ttft-target", "10") == 0
    assert "prefill: fast 4, $cheap_$ 1" in capsys.readouterr().out


def test_the_picture_has_cells_and_points(tmp_path: Path) -> None:
    """Pale cells of both pools, and the full colours where points are."""
    assert run(tmp_path, GRID, None, out="without.png") == 0
    assert run(tmp_path, GRID, [{"isl": 100, "targets": {"ttft_target": 700}}] * 5, out="with.png") == 0
    without, with_points = colours(tmp_path / "without.png"), colours(tmp_path / "with.png")
    pale_blue, pale_orange = (175, 208, 229), (255, 210, 170)
    for pale in (pale_blue, pale_orange):
        assert min(sum(abs(a - b) for a, b in zip(pale, one, strict=True)) for one in without) < 20
    assert (tmp_path / "with.png").read_bytes() != (tmp_path / "without.png").read_bytes()
    assert len(with_points - without) > 0


def test_a_grid_of_three_axes_has_a_panel_for_each_layer(tmp_path: Path) -> None:
    assert run(tmp_path, AGG_3D, [{"isl": 9000}], out="layers.svg") == 0
    text = (tmp_path / "layers.svg").read_text(encoding="utf-8")
    for layer in ("agg, ISL &lt; 4000", "agg, ISL 4000 - 8000", "agg, ISL 8000 - 12000", "agg, ISL &gt;= 12000"):
        assert f"<!-- {layer} -->" in text
    assert text.count("1: long") == 4


def test_the_same_input_gives_the_same_picture(tmp_path: Path) -> None:
    for name in ("one.png", "two.png"):
        assert run(tmp_path, GRID, [{"isl": 3}], out=name) == 0
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()


@pytest.mark.parametrize(
    ("grid", "lines", "out", "message"),
    [
        ("{", None, "a.png", "grid.json: line 1, column 2"),
        ({**GRID, "num_decode_pools": 2}, None, "a.png", "decode_pool_dynamo_namespaces"),
        (GRID, ["no JSON"], "a.png", "requests.jsonl:1: Expecting value"),
        (GRID, [{"isl": 1}, []], "a.png", "requests.jsonl:2: a list where a JSON object is due"),
        (GRID, [{}], "a.png", 'requests.jsonl:1: a request has "token_ids", a list, or "isl", their number'),
        (GRID, [{"isl": 1, "routing": 3}], "a.png", "requests.jsonl:1: routing is 3: a JSON object is due"),
        (GRID, [{"isl": 1}, {"isl": -1}], "a.png", "requests.jsonl:2: isl is -1: a length is 0 or more"),
        (GRID, [{"isl": "7"}], "a.png", "requests.jsonl:1: isl is '7': a whole number of tokens is due"),
        (GRID, [{"isl": True}], "a.png", "requests.jsonl:1: isl is True: a whole number of tokens is due"),
        (GRID, ['{"isl": 1, "targets": {"ttft_target": NaN}}'], "a.png", "requests.jsonl:1: ttft_target_ms is nan"),
        (GRID, [{"isl": 1, "priority": "x"}], "a.png", "requests.jsonl:1: priority is 'x': a whole number is due"),
        (GRID, ["[" * 100_000], "a.png", "requests.jsonl:1: "),
        (GRID, [{"isl": 1}], "a.gif", "a.gif should end with .png, .svg, .pdf"),
        (GRID, [{"isl": 1}], "nowhere/a.png", "nowhere/a.png: No such file or directory"),
    ],
)
def test_what_cannot_be_drawn_is_one_line(
    tmp_path: Path, grid: Any, lines: list[Any] | None, out: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, grid, lines, out=out) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("trueup-router plot: ")
    assert message in told.err
    assert told.err.count("\n") == 1
    assert not (tmp_path / out).exists()


def test_each_thing_that_is_wrong_with_a_grid_has_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = {**GRID, "prefill_pool_dynamo_namespaces": ["fast"], "decode_pool_dynamo_namespaces": []}
    assert run(tmp_path, wrong, None) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) > 1
    for line in lines:
        assert line.startswith(f"trueup-router plot: {tmp_path}/grid.json: ")


def test_requests_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plot_requests, "MOST_REQUESTS", 3)
    (tmp_path / "many.jsonl").write_text('{"isl": 1}\n' * 4)
    with pytest.raises(plot_requests.RequestError, match=r"many\.jsonl:4: 3 requests are the most"):
        plot_requests.read(tmp_path / "many.jsonl")
    monkeypatch.setattr(plot_requests, "MOST_BYTES", 3)
    with pytest.raises(plot_requests.RequestError, match="44 bytes: 3 are the most"):
        plot_requests.read(tmp_path / "many.jsonl")
