"""What a hostile repository may hold: bounded time, clear findings, nothing outside it read or run."""

from __future__ import annotations

import contextlib
import fnmatch
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fix_repository import Repository
from trueup.versions.model import Pin, Unreadable
from trueup.versions.readers import SEARCHED, kind_of, read_pins
from version_runs import versions

MOST_SECONDS = 5.0  # each takes a fraction of it; quadratic time would take minutes

PATHS = {
    "dockerfile": "Dockerfile",
    "yaml": "a.yaml",
    "shell": "a.sh",
    "make": "Makefile",
    "markdown": "a.md",
    "pyproject": "pyproject.toml",
    "cargo": "Cargo.toml",
    "rust-toolchain": "rust-toolchain",
    "mise": "mise.toml",
    "package-json": "package.json",
    "requirements": "requirements.txt",
    "setup-cfg": "setup.cfg",
    "go-mod": "go.mod",
    "one-version": ".python-version",
    "tool-versions": ".tool-versions",
}

HOSTILE: dict[str, tuple[str, Callable[[int], str]]] = {
    "anchors": (
        "a.yaml",
        lambda n: "a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1},*a{i - 1}]\n" for i in range(1, n // 100)),
    ),
    "nested lists": ("a.yaml", lambda n: "[" * n),
    "nested json": ("package.json", lambda n: '{"a":' * n),
    "nested toml": ("pyproject.toml", lambda n: "a = " + "[" * n),
    "a long word in toml": ("pyproject.toml", lambda n: "# " + "a" * (10 * n) + "." * 70 + "\na = 1\n"),
    "a long number in toml": ("pyproject.toml", lambda n: "a = " + "1" * n),
    "a long key": ("pyproject.toml", lambda n: ".".join("a" * (n // 2)) + " = 1"),
    "continuation lines": ("Dockerfile", lambda n: "RUN a" + " \\\n" * n),
    "comments in a continuation": ("Dockerfile", lambda n: "RUN a \\\n" + "# x\n" * n),
    "heredocs": ("Dockerfile", lambda n: "RUN " + "<<A " * min(n, 2000) + "\n" + "x\n" * n),
    "unclosed heredocs": ("Dockerfile", lambda n: "RUN <<A\n" * (n // 10)),
    "unclosed quotes": ("a.sh", lambda n: "\"'`" * n),
    "backslashes": ("a.sh", lambda n: "\\" * n),
    "dollars": ("a.sh", lambda n: "${" * n + "$(" * n),
    "one long word": ("a.sh", lambda n: "pip install " + "a" * n + "==1.0"),
    "equals signs": ("a.sh", lambda n: "=" * n + "a=" * n),
    "words": ("a.sh", lambda n: "pip install " + "a==1.0 " * n),
    "long versions": ("requirements.txt", lambda n: "a==" + "1." * n),
    "clauses": ("requirements.txt", lambda n: "a" + "==1.0," * n),
    "brackets": ("requirements.txt", lambda n: "a[" * n + "]"),
    "fences": ("a.md", lambda n: "```\n" * n),
    "unclosed fences": ("a.md", lambda n: "~~~~~\n```sh\n" * n),
    "headings": ("a.md", lambda n: "# a\n" * n + "```sh\npip install a==1.0\n```\n"),
    "urls": ("a.sh", lambda n: "https://github.com/a/b/archive/" * n),
    "beginnings of urls": ("a.sh", lambda n: "github.com/a/b" * (n // 5)),
    "kustomize urls": ("a.sh", lambda n: "github.com/a/b" + "/c" * n + "?ref"),
    "git urls": ("a.sh", lambda n: "git+https://" + "a." * n),
    "make variables": ("Makefile", lambda n: "A" * n + "\n" + "A = " * n),
    "exports": ("Makefile", lambda n: "export " * n),
    "go modules": ("go.mod", lambda n: "a.b/" * n + "\n" + "replace (" * (n // 10)),
    "image names": ("Dockerfile", lambda n: "FROM " + "a/" * n + "\nFROM " + "a:" * n),
    "arguments": ("Dockerfile", lambda n: "".join(f"ARG A{i}_VERSION=1.{i}.0\n" for i in range(n // 10))),
    "copies": ("Dockerfile", lambda n: "COPY " + "--from=" * n),
    "mounts": ("Dockerfile", lambda n: "RUN " + "--mount=type=x," * n),
    "comment lines": ("requirements.txt", lambda n: "#\n" * n),
    "spaces": ("setup.cfg", lambda n: " " * n + "\n" + "[options]\ninstall_requires=" + " " * n),
    "templates": ("a.yaml", lambda n: "{{ a }}\n" + "image: " * n),
    "image lines": ("a.yaml", lambda n: "{{\n" + " " * n + "image:" + " " * n),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_time_is_bounded(name: str) -> None:
    path, make = HOSTILE[name]
    text = make(20_000)
    started = time.perf_counter()
    with contextlib.suppress(Unreadable):
        read_pins(path, text)
    assert time.perf_counter() - started < MOST_SECONDS


@pytest.mark.parametrize("kind", PATHS)
def test_every_kind_of_file_has_a_name_here(kind: str) -> None:
    assert kind_of(PATHS[kind]) == kind
    # Git's search, which narrows what a hook reads, must not leave it out.
    assert any(fnmatch.fnmatchcase(PATHS[kind].lower(), f"*{ending}") for ending in SEARCHED)


TEXTS = st.one_of(
    st.text(max_size=200),
    st.lists(
        st.sampled_from(
            ["FROM ", "ARG ", "RUN ", "a:1.2 ", "x_VERSION", "=", "==", "1.2.3", "\n", "\r\n", " ", "\\", "#", "\"",
             "'", "${", "}", "$", "<<EOF", "EOF", "pip install ", "docker run ", "uses: ", "a/b@v1 ", "- ", ": ",
             "{", "[", "]", "image: ", "tag: ", "repository: ", "```", "sh", "[project]", "version", "require ",
             "\ufeff", "\udc80", "é"]
        ),
        max_size=30,
    ).map("".join),
)  # fmt: skip


def _read(path: str, text: str) -> tuple[list[Pin], int | None]:
    """The pins, or where a text that is not in its format shows it."""
    try:
        return read_pins(path, text), None
    except Unreadable as error:
        return [], error.offset


@given(st.sampled_from(sorted(PATHS.values())), TEXTS)
def test_any_text_is_read_and_pins_stand_where_they_say(path: str, text: str) -> None:
    pins, offset = _read(path, text)
    assert offset is None or 0 <= offset <= len(text)
    for pin in pins:
        assert text[pin.start : pin.end] == pin.version
        assert pin.version


def test_a_symlinked_manifest_is_not_followed(repository: Repository, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret==1.2.3\n")
    repository.symlink("requirements.txt", str(tmp_path / "secret.txt"))
    repository.write("Dockerfile", "RUN pip install secret==1.2.4\n")
    repository.add()
    found = versions(repository.root)
    assert (found.lines, found.report["checks"][0]["counts"]) == ([], {"versions": 1})


def test_a_large_file_is_told_and_left_out(repository: Repository) -> None:
    repository.write("requirements.txt", "a==1.0.0\n" + "#" * (1 << 20))
    repository.write("values.yaml", "a: b\n" + "#" * (1 << 20))
    repository.add()
    found = versions(repository.root)
    assert found.lines == ["requirements.txt trueup/file-too-large"]
    assert found.notes == ["values.yaml: its versions were not checked: it has 1048581 bytes"]


def test_many_versions_of_one_thing(repository: Repository) -> None:
    repository.commit({"requirements.txt": "a==1.0.0\n" * 10_000, "b/requirements.txt": "a==1.0.0\n" * 10_000})
    repository.write("requirements.txt", "".join(f"a==1.0.{number}\n" for number in range(10_000)))
    started = time.perf_counter()
    found = versions(repository.root)
    assert time.perf_counter() - started < 20  # quadratic time would take minutes
    assert len(found.findings) == 9_999


def test_what_no_encoding_has_is_no_crash(repository: Repository) -> None:
    repository.write("Dockerfile", b"FROM a/b:1.0.0\xff\nRUN pip install x==1.0.0 \xff\n")
    repository.write("a.yaml", b"image: a/b:1.1.0 # \xff\n")
    repository.write("b\x1b[31m.sh", "docker pull a/b:1.1.0\n")
    repository.add()
    found = versions(repository.root)
    assert [line.partition(" ")[2] for line in found.lines] == ["versions/unparsed-file"]


def test_filters_and_drivers_of_the_repository_do_not_run(repository: Repository, tmp_path: Path) -> None:
    """Comparing with a commit must not run what the repository's own settings name."""
    repository.commit({"requirements.txt": "a==1.0.0\n", ".gitattributes": "* filter=evil diff=evil\n"})
    witness = tmp_path / "ran"
    for name in (
        "filter.evil.clean",
        "filter.evil.smudge",
        "diff.evil.command",
        "diff.evil.textconv",
        "core.fsmonitor",
    ):
        repository.git("config", name, f"touch {witness}; cat")
    repository.write("requirements.txt", "a==1.0.1\n")
    versions(repository.root, "--since", "HEAD")
    versions(repository.root, "--since", "HEAD", "--staged")
    assert not witness.exists()


def test_a_regular_expression_of_the_configuration_ends_in_time(repository: Repository) -> None:
    repository.write("Dockerfile", "ARG A_VERSION=1.0.0\n")
    repository.write("a.txt", ("a" * 900 + " 1.2x1\n") * 1000)
    repository.write(
        "trueup.toml",
        '[[versions]]\nname = "a"\nsource = "dockerfile:Dockerfile#ARG A_VERSION"\n'
        r"appears = ['regex:a.txt#(\w*)\w*\w*\w*\w1\.2']",
    )
    repository.add()
    started = time.perf_counter()
    found = versions(repository.root)
    assert time.perf_counter() - started < 30
    assert any("took longer than 2 s" in one["message"] for one in found.findings)
