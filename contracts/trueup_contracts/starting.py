"""`trueup contracts init SUITE`: the setting, and a skeleton of an adapter to fill in."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

from trueup.errors import UsageError
from trueup_contracts.registry import suite as ways

FOLDER = Path(__file__).with_name("skeletons")
LANGUAGES = ("python", "javascript")
_TABLE = "tool.pytest.ini_options"


def write(suite: str, language: str, root: Path) -> Iterator[str]:
    """Writes the files, none over an existing one, and says what it did and what is left to do."""
    name = suite.replace("-", "_")
    files, target = _files(suite, name, language)
    for path in files:
        if (root / path).exists():
            raise UsageError(f"{path} exists already", hint="move it away, or write the adapter there by hand")
    settings = f'contracts = ["{suite} = {target}"]\n'
    where = _place(root)
    for path, text in files.items():
        (root / path).write_text(text, encoding="utf-8")
        yield f"wrote {path}: fill it in"
    if where is None:
        pyproject = root / "pyproject.toml"
        before = pyproject.read_text(encoding="utf-8") if pyproject.exists() else ""
        gap = "" if not before else "\n" if before.endswith("\n") else "\n\n"
        pyproject.write_text(f"{before}{gap}[{_TABLE}]\n{settings}", encoding="utf-8")
        yield f"wrote the setting into pyproject.toml, [{_TABLE}]"
    else:
        yield f"{where} has settings of pytest already; add there:"
        if where == "pyproject.toml":
            yield f"    {settings}".rstrip("\n")
        else:
            yield f"    contracts =\n        {suite} = {target}"
    yield "then: pytest --contracts"


def _files(suite: str, name: str, language: str) -> tuple[Mapping[str, str], str]:
    if ways(suite).ways == {"command"}:
        places = " ".join(f"{{{place}}}" for place in [*ways(suite).service.placeholders, "host", "port"])
        hint = f'add to pytest\'s settings: contracts = ["{suite} = command: ./PROGRAM {places}"]'
        raise UsageError(f"the suite {suite} starts a service by its command: there is no adapter to write", hint=hint)
    if "module" not in ways(suite).ways:  # a function in a module of its own is what it asks
        if language != "python":
            raise UsageError(f"the suite {suite} asks what is written in Python, not {language}")
        return {f"{name}_adapter.py": _skeleton(f"{name}.py.txt")}, f"setup:{name}_adapter:setup"
    if language == "python":
        return {f"{name}_adapter.py": _skeleton(f"{name}.py.txt")}, f"{name}_adapter:{_class_of(suite)}"
    files = {"wire.mjs": _skeleton("wire.mjs"), f"{suite}-adapter.mjs": _skeleton(f"{name}.mjs")}
    return files, f"exec: node {suite}-adapter.mjs"


def _class_of(suite: str) -> str:
    return "".join(word.capitalize() for word in suite.split("-"))


def _skeleton(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def _place(root: Path) -> str | None:
    """The file that pytest reads its settings from already; adding to it by program could break it."""
    for name in ("pytest.ini", ".pytest.ini"):
        if (root / name).exists():
            return name
    pyproject = root / "pyproject.toml"
    if pyproject.exists():
        try:
            found = tomllib.loads(pyproject.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise UsageError(f"pyproject.toml: it cannot be read: {error}") from error
        if "pytest" in found.get("tool", {}):
            return "pyproject.toml"
    for name, section in (("tox.ini", "[pytest]"), ("setup.cfg", "[tool:pytest]")):
        path = root / name
        if path.exists() and section in path.read_text(encoding="utf-8", errors="replace"):
            return name
    return None
