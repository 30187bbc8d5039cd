"""Who may import whom, read from the source.

trueup  <--  trueup_contracts          trueup  <--  trueup_reference
"""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

import pytest

from fix_repository import PROJECT

PACKAGES = {
    "trueup": PROJECT / "checks/trueup",
    "trueup_contracts": PROJECT / "contracts/trueup_contracts",
    "trueup_reference": PROJECT / "reference_impl/trueup_reference",
}
FORBIDDEN = {
    "trueup": {"trueup_contracts", "trueup_reference"},
    "trueup_contracts": {"trueup_reference"},
    "trueup_reference": {"trueup_contracts"},
}
# Imported by the function that needs it: a command that does not must not pay for it.
HEAVY = {
    "http",
    "hypothesis",
    "jinja2",
    "jsonschema",
    "linkify_it",
    "markdown_it",
    "mdit_py_plugins",
    "multiprocessing",
    "prometheus_client",
    "promql_parser",
    "pyromark",
    "pytest",
    "redis",
    "sqlite3",
    "torch",
    "tqdm",
    "xml",
    "zmq",
}
# Folders with one module per library or format, loaded by the function that picks it.
ON_DEMAND = [PACKAGES["trueup"] / "links/engines", PACKAGES["trueup"] / "reports"]


class Import(NamedTuple):
    """One imported name: `from module import name`, or `import module` with an empty name."""

    module: str
    name: str
    line: int
    at_load: bool


def imports(source: str) -> list[Import]:
    """Every import of a module, wherever it stands; `at_load` where loading the module runs it."""
    return list(_walk(ast.parse(source), at_load=True))


def _walk(node: ast.AST, *, at_load: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        match child:
            case ast.Import(names=names):
                yield from (Import(alias.name, "", child.lineno, at_load) for alias in names)
            case ast.ImportFrom(module=module, names=names, level=level):
                module = "." * level + (module or "")
                yield from (Import(module, alias.name, child.lineno, at_load) for alias in names)
            case ast.Call(
                func=ast.Name(id="__import__" | "import_module") | ast.Attribute(attr="import_module"),
                args=[ast.Constant(value=str(module)), *_],
            ):
                yield Import(module.partition(":")[0], "", child.lineno, at_load)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                yield from _walk(child, at_load=False)
            case ast.If(test=ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING")):
                yield from (found._replace(at_load=False) for found in _walk(child, at_load=False))
            case _:
                yield from _walk(child, at_load=at_load)


def sources(package: str) -> list[Path]:
    found = sorted(PACKAGES[package].rglob("*.py"))
    assert found, f"{package} has no modules"
    return found


def top(module: str) -> str:
    return module.partition(".")[0]


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGES["trueup"].parent).with_suffix("").parts).removesuffix(".__init__")


def place(path: Path, found: Import) -> str:
    return f"{path.relative_to(PROJECT)}:{found.line}: {found.module} {found.name}".rstrip()


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import a.b, c", [("a.b", "", True), ("c", "", True)]),
        ("from a.b import c as d, e", [("a.b", "c", True), ("a.b", "e", True)]),
        ("from . import a", [(".", "a", True)]),
        ("def f():\n  import a", [("a", "", False)]),
        ("async def f():\n  class C:\n    import a", [("a", "", False)]),
        ("class C:\n  import a", [("a", "", True)]),
        ("try:\n  import a\nexcept ImportError:\n  import b", [("a", "", True), ("b", "", True)]),
        ("if TYPE_CHECKING:\n  import a", [("a", "", False)]),
        ("if typing.TYPE_CHECKING:\n  from a import b", [("a", "b", False)]),
        ("x = importlib.import_module('a.b:c')", [("a.b", "", True)]),
        ("def f():\n  return __import__('a')", [("a", "", False)]),
    ],
)
def test_imports_are_found_wherever_they_stand(source: str, expected: list[tuple[str, str, bool]]) -> None:
    assert [(found.module, found.name, found.at_load) for found in imports(source)] == expected


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_point_in_one_direction(package: str) -> None:
    wrong = [
        place(path, found)
        for path in sources(package)
        for found in imports(path.read_text(encoding="utf-8"))
        if top(found.module) in FORBIDDEN[package]
    ]
    assert wrong == []


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_are_absolute(package: str) -> None:
    wrong = [
        place(path, found)
        for path in sources(package)
        for found in imports(path.read_text(encoding="utf-8"))
        if found.module.startswith(".")
    ]
    assert wrong == []


def test_trueup_loads_nothing_heavy_with_a_module() -> None:
    """A module that is picked on demand may load its library, unless loading some other module brings it along."""
    loads = {
        module_name(path): [each for each in imports(path.read_text(encoding="utf-8")) if each.at_load]
        for path in sources("trueup")
    }
    picked = {module_name(path) for folder in ON_DEMAND for path in folder.glob("*.py") if path.name != "__init__.py"}
    assert "trueup.links.engines.pyromark" in picked
    reached: set[str] = set()
    waiting = sorted(loads.keys() - picked)
    while waiting:
        name = waiting.pop()
        if name in loads and name not in reached:
            reached.add(name)
            waiting += [offer for each in loads[name] for offer in (each.module, f"{each.module}.{each.name}")]
    wrong = [
        f"{name}:{each.line}: {each.module}"
        for name in sorted(reached)
        for each in loads[name]
        if top(each.module) in HEAVY
    ]
    assert wrong == []


def test_trueup_imports_only_what_it_declares() -> None:
    """`pip install trueup` without extras has to bring every module that `trueup` names."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {normal(re.split(r"[<>=!~;\[ ]", line, maxsplit=1)[0]) for line in project["dependencies"]}
    distributions = metadata.packages_distributions()
    wrong = [
        place(path, found)
        for path in sources("trueup")
        for found in imports(path.read_text(encoding="utf-8"))
        if top(found.module) not in sys.stdlib_module_names | {"trueup"}
        and not {normal(name) for name in distributions.get(top(found.module), [])} & declared
    ]
    assert wrong == []


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize("package", PACKAGES)
def test_other_folders_use_the_names_that_a_folder_hands_on(package: str) -> None:
    """`trueup.repo.view.View` is imported as `trueup.repo.View` outside `trueup.repo`, where `trueup.repo` has it."""
    wrong = [
        place(path, found)
        for path in sources(package)
        for found in imports(path.read_text(encoding="utf-8"))
        for folder in handing_on(found)
        if folder not in path.parents
    ]
    assert wrong == []


def handing_on(found: Import) -> Iterator[Path]:
    """The folder whose `__init__` offers this name, though the import reaches for a module inside it."""
    package, *parts = found.module.split(".")
    if package not in PACKAGES or len(parts) < 2 or found.name.startswith("_"):
        return
    folder = PACKAGES[package].joinpath(*parts[:-1])
    init = folder / "__init__.py"
    if init.is_file() and any(offer[:2] == found[:2] for offer in imports(init.read_text(encoding="utf-8"))):
        yield folder
