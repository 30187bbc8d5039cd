"""Which file is read how, and what single texts hold."""

from __future__ import annotations

import pytest

from trueup.versions.model import Strength, Unreadable
from trueup.versions.readers import kind_of, read_pins

KINDS = [
    ("Dockerfile", "dockerfile"),
    ("docker/Dockerfile.vllm", "dockerfile"),
    ("python/pmml.Dockerfile", "dockerfile"),
    ("a/Containerfile", "dockerfile"),
    ("docs/dockerfile-notes.txt", None),
    ("cases/dockerfile-pip.toml", None),
    ("Makefile.tools.mk", "make"),
    ("makefile-variable.toml", None),
    ("requirements-dev.txt", "requirements"),
    ("requirements/test.in", "requirements"),
    ("my-constraints.txt", "requirements"),
    ("notes.txt", None),
    (".env.example", "shell"),
    ("kserve-deps.env", "shell"),
    ("docs/a.MD", "markdown"),
    ("Cargo.toml", "cargo"),
    ("other.toml", None),
    ("uv.lock", None),
    ("src/main.py", None),
]


@pytest.mark.parametrize(("path", "kind"), KINDS)
def test_a_files_name_says_how_it_is_read(path: str, kind: str | None) -> None:
    assert kind_of(path) == kind


PINS = [
    ("Dockerfile", "FROM --platform=linux/amd64 nvcr.io/nvidia/cuda:12.8.1-devel AS a\n",
        ["image:nvcr.io/nvidia/cuda 12.8.1-devel"]),
    ("Dockerfile", "FROM a AS b\nFROM b\nCOPY --from=b /x /\n", []),
    ("Dockerfile", "from Docker.io/Library/Python:3.11\n", ["image:python 3.11"]),
    ("Dockerfile", "# syntax=docker/dockerfile:1.7\nFROM scratch\n", ["image:docker/dockerfile 1.7"]),
    ("Dockerfile", "# escape=`\nFROM scratch\nRUN pip install `\n  a==1.0.0\n", ["pypi:a 1.0.0"]),
    ("Dockerfile", "ENV ABC_VERSION 1.2.3\n", ["variable:ABC_VERSION 1.2.3"]),
    ("Dockerfile", 'ENV ABC_VERSION="1.2.3" DEF_REF=v2.0\n', ["variable:ABC_VERSION 1.2.3", "variable:DEF_REF v2.0"]),
    ("Dockerfile", "RUN --mount=type=bind,from=a/b:1.5.0,target=/x true\n", ["image:a/b 1.5.0"]),
    ("Dockerfile", "ARG V=1.2.3\nRUN pip install a==$V b==${V}\n", ["pypi:a 1.2.3", "pypi:b 1.2.3"]),
    ("a.sh", "sudo apt-get install -y curl=7.88.1-10 && npm i -g pnpm@9.1.0\n",
        ["apt:curl 7.88.1-10", "npm:pnpm 9.1.0"]),
    ("a.sh", "python3 -m pip install 'a[b]==1.0.0' \"c~=2.1\"\n", ["pypi:a 1.0.0", "pypi:c 2.1"]),
    ("a.sh", "go install example.org/x/cmd/y@v1.2.3\n", ["go:example.org/x/cmd/y v1.2.3"]),
    ("a.sh", "cargo install cargo-about --locked --version 0.9.0\n", ["cargo:cargo-about 0.9.0"]),
    ("a.sh", "helm install a oci://r/charts/b --version=1.2.3\n", ["chart:b 1.2.3"]),
    ("a.sh", "git clone -b v1.2.3 https://github.com/A/B.git\n", ["github:a/b v1.2.3"]),
    ("a.sh", "kubectl apply -k 'github.com/a/b/config?ref=v1.2.3'\n", ["github:a/b v1.2.3"]),
    ("a.sh", "# pip install a==1.0.0\necho done # pip install b==1.0.0\n", []),
    ("a.sh", "it's\npip install a==1.0.0\n", ["pypi:a 1.0.0"]),
    ("a.sh", "ABC_VERSION=\"${ABC_VERSION:-1.2.3}\"\n", ["variable:ABC_VERSION 1.2.3"]),
    ("Makefile", "ABC_VERSION ?= v1.2.3 # one\nx:\n\t@docker pull a/b:$(ABC_VERSION)\n",
        ["image:a/b v1.2.3", "variable:ABC_VERSION v1.2.3"]),
    ("a.yaml", "a:\n  image: 'a/b:1.2.3'\n", ["image:a/b 1.2.3"]),
    ("a.yaml", "image: {repository: a/b, tag: 1.2.3, pullPolicy: Always}\n", ["image:a/b 1.2.3"]),
    ("a.yaml", "x: &x {image: 'a/b:1.2.3'}\ny: *x\n", ["image:a/b 1.2.3"]),
    ("go.mod", "module a\ngo 1.24.0\nrequire (\n\tb.org/c v1.2.3\n\td.org/e v1.0.0 // indirect\n)\n",
        ["tool:go 1.24.0", "go:b.org/c v1.2.3"]),
    (".nvmrc", "v22.1.0\n", ["tool:node v22.1.0"]),
    ("package.json", '{"packageManager": "pnpm@9.1.0+sha512.abc", "dependencies": {"a": "^1.2.3", "b": "*"}}',
        ["npm:a 1.2.3", "npm:pnpm 9.1.0"]),
    ("mise.toml", '[tools]\n"npm:pnpm" = "9.1.0"\npython = ["3.11", "3.12"]\n', ["tool:pnpm 9.1.0"]),
    ("pyproject.toml", '[project]\ndependencies = [\n  "a==1.0.0", # b==2.0.0\n]\n', ["pypi:a 1.0.0"]),
]  # fmt: skip


@pytest.mark.parametrize(("path", "text", "expected"), PINS)
def test_what_a_text_holds(path: str, text: str, expected: list[str]) -> None:
    pins = read_pins(path, text)
    assert sorted(f"{pin.thing} {pin.version}" for pin in pins) == sorted(expected)


def test_how_strong_a_requirement_is() -> None:
    text = "a==1.0\nb~=1.0\nc>=1.0\nd>=1.0,<2\ne!=1.0\nf==1.*\ng<=1.0\n"
    found = {pin.name: pin.strength for pin in read_pins("requirements.txt", text) if pin.version == "1.0"}
    exact, floor, bound = Strength.EXACT, Strength.FLOOR, Strength.RANGE
    assert found == {"a": exact, "b": floor, "c": floor, "d": bound, "e": bound, "g": bound}


@pytest.mark.parametrize(
    ("path", "text", "offset"),
    [
        ("pyproject.toml", "[project]\r\na = 1.0.0\r\n", 18),
        ("pyproject.toml", "# é\na = [", 9),
        ("package.json", '{"a": }', 6),
        ("a.yaml", "image: a\nb: [\n", 14),
    ],
)
def test_the_place_of_a_fault(path: str, text: str, offset: int) -> None:
    with pytest.raises(Unreadable) as caught:
        read_pins(path, text)
    assert caught.value.offset == offset
