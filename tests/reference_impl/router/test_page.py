"""docs/router.md: its files are right, what it runs prints what it says, and it names every option and metric."""

from __future__ import annotations

import json
import re
from pathlib import Path

import msgspec
import yaml

from fix_repository import PROJECT
from page_runs import BLOCK, run_page
from trueup_reference.router import options, service
from trueup_reference.router.plan import Plan
from trueup_reference.router_demo import scene
from trueup_reference.router_demo.__main__ import parser

PAGE = PROJECT / "docs/router.md"


def blocks() -> dict[str, str]:
    found = BLOCK.finditer(PAGE.read_text(encoding="utf-8"))
    return {block["file"]: block["text"] for block in found if block["file"] is not None}


def test_the_page_is_true(tmp_path: Path) -> None:
    """What runs until it is ended is started by other tests."""
    text = BLOCK.sub(lambda one: one[0] if one["file"] or one["kind"] == "console" else "", PAGE.read_text("utf-8"))
    (tmp_path / "router.md").write_text(text, encoding="utf-8")
    ran = run_page(tmp_path / "router.md", tmp_path, skips=lambda command: not command.startswith("trueup-router plot"))
    assert ran == 1
    assert (tmp_path / "grid.png").read_bytes().startswith(b"\x89PNG")


def test_its_files_are_right() -> None:
    found = blocks()
    assert json.loads(found["grid.json"]) == scene.GRID
    plan = Plan.read(found["grid.json"].encode(), {})
    namespaces = {one["namespace"] for one in json.loads(found["workers.json"])["workers"]}
    assert namespaces == {name for names in plan.namespaces.values() for name in names}
    defaults = re.search(r"`service\.json`, with the defaults.*?```json\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert defaults is not None
    assert service.read(defaults[1].encode()) == service.ServiceSettings()
    assert set(json.loads(defaults[1])) == set(msgspec.to_builtins(service.ServiceSettings()))


def test_it_names_every_option_and_metric() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for arguments in (options.parser(), parser()):
        given = {one for action in arguments._actions for one in action.option_strings if one.startswith("--")}
        # Second names of two of them.
        given -= {"--help", "--default-ttft-target-ms", "--default-itl-target-ms"}
        assert [one for one in sorted(given) if f"`{one}`" not in text and f"`{one} " not in text] == []
    policy = yaml.safe_load((PROJECT / "examples/router-monitoring/metrics.policy.yaml").read_text(encoding="utf-8"))
    assert [name for name in policy["families"] if f"| `{name}` |" not in text] == []
