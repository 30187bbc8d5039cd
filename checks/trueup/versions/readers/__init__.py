"""Which reader reads which file, by its name."""

from __future__ import annotations

import re
from collections.abc import Callable

from trueup.versions.model import Pin
from trueup.versions.readers.sink import Sink

Reader = Callable[[Sink, str], None]

_DOCKERFILE = re.compile(r"(?:.*[._-])?(?:Dockerfile|Containerfile)(?:[._-].*)?", re.IGNORECASE)
_REQUIREMENTS = re.compile(r"(?:.*[._-])?(?:requirements|constraints|reqs)(?:[._-].*)?\.(?:txt|in)", re.IGNORECASE)
# `dockerfile-notes.txt` is about one, and is none.
_OTHER_FORMATS = frozenset(
    "c cc cpp css csv go h html ini ipynb java jpg js json lock patch pdf php png py rb rs rst svg toml ts tsx "
    "txt".split()
)
_ONE = {".python-version": "python", ".nvmrc": "node", ".node-version": "node", ".go-version": "go"}
_ONE |= {".ruby-version": "ruby", ".java-version": "java", ".terraform-version": "terraform"}


def kind_of(path: str) -> str | None:
    """How a file is read, by its name alone; `None` for what is not read."""
    folder, _, name = path.rpartition("/")
    low = name.lower()
    if low in _NAMES:
        return _NAMES[low]
    if low in _ONE:
        return "one-version"
    if _REQUIREMENTS.fullmatch(name) or (folder.rpartition("/")[2] == "requirements" and low.endswith((".txt", ".in"))):
        return "requirements"
    ending = low.rpartition(".")[2] if "." in low else ""
    if ending in _ENDINGS:
        return _ENDINGS[ending]
    if low.startswith(".env"):
        return "shell"
    if ending in _OTHER_FORMATS:
        return None
    if _DOCKERFILE.fullmatch(name):
        return "dockerfile"
    return "make" if low.startswith(("makefile", "gnumakefile")) else None


_NAMES = {
    "pyproject.toml": "pyproject",
    "setup.cfg": "setup-cfg",
    "package.json": "package-json",
    "cargo.toml": "cargo",
    "rust-toolchain": "rust-toolchain",
    "rust-toolchain.toml": "rust-toolchain",
    "mise.toml": "mise",
    ".mise.toml": "mise",
    "go.mod": "go-mod",
    ".tool-versions": "tool-versions",
}
_ENDINGS = {
    "yaml": "yaml",
    "yml": "yaml",
    "sh": "shell",
    "bash": "shell",
    "env": "shell",
    "mk": "make",
    "md": "markdown",
    "markdown": "markdown",
    "mdx": "markdown",
}


# Endings, in small letters, of all names that `kind_of` knows, for a search by Git.
SEARCHED = (
    *(f".{ending}" for ending in _ENDINGS),
    *sorted({name.rpartition("/")[2] for name in (*_NAMES, *_ONE)}),
    ".txt",
    ".in",
    "dockerfile*",
    "containerfile*",
    "makefile*",
    ".env*",
)


def read_pins(path: str, text: str) -> list[Pin]:
    """The pins of a file, in order of their places. Raises `Unreadable` where it is not in its format."""
    sink = Sink(text)
    kind = kind_of(path)
    if kind is not None:
        _read(kind, sink, path)
    unique: dict[tuple[int, str, str], Pin] = {}
    for pin in sink.pins:
        unique.setdefault((pin.start, pin.kind, pin.name), pin)
    return sorted(unique.values(), key=lambda pin: (pin.start, pin.kind))


def _read(kind: str, sink: Sink, path: str) -> None:
    # Each is imported where it is needed: a hook's run reads a few files of one or two formats.
    if kind == "yaml":
        from trueup.versions.readers.yaml_files import read_yaml

        read_yaml(sink, path)
    elif kind == "dockerfile":
        from trueup.versions.readers import docker

        docker.read(sink)
    elif kind == "markdown":
        from trueup.versions.readers.markdown import read_markdown

        read_markdown(sink)
    elif kind == "package-json":
        from trueup.versions.readers.json_files import read_package_json

        read_package_json(sink)
    elif kind in ("pyproject", "cargo", "rust-toolchain", "mise"):
        from trueup.versions.readers import toml_files

        {
            "pyproject": toml_files.read_pyproject,
            "cargo": toml_files.read_cargo,
            "rust-toolchain": toml_files.read_rust_toolchain,
            "mise": toml_files.read_mise,
        }[kind](sink)
    else:
        from trueup.versions.readers import line_files

        if kind == "one-version":
            line_files.read_one_version(sink, _ONE[path.rpartition("/")[2].lower()])
            return
        {
            "requirements": line_files.read_requirements,
            "setup-cfg": line_files.read_setup_cfg,
            "go-mod": line_files.read_go_mod,
            "tool-versions": line_files.read_tool_versions,
            "shell": line_files.read_shell,
            "make": line_files.read_make,
        }[kind](sink)
