"""`trueup versions list`, `discover` and `bump`, and `--fix`."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from fix_repository import Repository

MANIFEST = """\
[project]
name = "stack"
version = "1.0.0"
optional-dependencies.gpu = ["vllm[audio]==0.14.0"]
"""
FILES: dict[str, str | bytes] = {
    "pyproject.toml": MANIFEST,
    "Dockerfile": b"FROM debian:12\r\nARG VLLM_REF='v0.14.0'\r\nRUN pip install \\\r\n  \"vllm==0.14.0\"\r\n",
    "deploy/values.yaml": "image:\n  repository: vllm/vllm-openai\n  tag: 'v0.14.0-cu129'   # the engine\n",
    "docs/install.md": "# Install\n\n```sh\npip install vllm==0.14.0\n```\n\nTested with vllm 0.14.0.\n",
    "compose.yaml": "services:\n  a:\n    image: other/thing:0.14.0\n",
}


@pytest.fixture
def stack(repository: Repository) -> Repository:
    repository.commit(FILES)
    return repository


def test_the_list_shows_what_stands_in_several_places(stack: Repository) -> None:
    stack.write("docs/install.md", "```sh\npip install vllm==0.13.0\n```\n")
    done = stack.trueup("versions", "list")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "THING  VERSION  PLACES\n"
        "vllm   v0.14.0  Dockerfile:2\n"
        "       0.14.0   Dockerfile:4, pyproject.toml:4\n"
        "       0.13.0   docs/install.md:2\n"
        "\n1 thing in more than one place; 4 stand in one place only (--all)\n"
    )


def test_the_list_of_one_thing_names_every_place(stack: Repository) -> None:
    done = stack.trueup("versions", "list", "image:vllm/vllm-openai")
    assert done.stdout.splitlines()[1:] == ["image:vllm/vllm-openai  v0.14.0-cu129  deploy/values.yaml:3"]
    done = stack.trueup("versions", "list", "vlm")
    assert (done.returncode, done.stderr) == (
        2,
        "trueup: error: there is no thing 'vlm' here\nhint: did you mean 'vllm'?\n",
    )


def test_the_list_for_programs(stack: Repository) -> None:
    done = stack.trueup("versions", "list", "--json", "vllm")
    (row,) = json.loads(done.stdout)
    assert row["thing"] == "vllm"
    assert {"path": "Dockerfile", "line": 2, "version": "v0.14.0", "as": "variable:VLLM_REF"} in row["places"]


def test_discover_writes_stanzas_that_hold(stack: Repository) -> None:
    done = stack.trueup("versions", "discover")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        '[[tool.trueup.versions]]\nname = "vllm"\nsource = "pin:pyproject.toml#pypi:vllm"\nappears = [\n'
        '  "pin:Dockerfile#variable:VLLM_REF",\n  "pin:Dockerfile#pypi:vllm",\n  "pin:docs/install.md#pypi:vllm",\n]\n'
    )
    stack.write(
        "pyproject.toml",
        FILES["pyproject.toml"].decode() + done.stdout
        if isinstance(FILES["pyproject.toml"], bytes)
        else f"{FILES['pyproject.toml']}{done.stdout}",
    )
    assert stack.trueup("versions").returncode == 0
    assert stack.trueup("versions", "discover").stdout == ""
    stack.write("docs/install.md", "```sh\npip install vllm==0.13.0\n```\n")
    assert "vllm is 0.14.0 (pyproject.toml:4); 0.13.0 here is not that" in stack.trueup("versions").stdout


def test_bump_shows_a_patch_and_writes_it_byte_for_byte(stack: Repository) -> None:
    shown = stack.trueup("versions", "bump", "vllm", "0.14.1")
    assert (shown.returncode, shown.stdout.count("\n+")) == (0, 9)
    assert shown.stderr == "trueup: 5 places to write: add --write\n"
    assert stack.git("status", "--porcelain") == ""
    written = stack.trueup("versions", "bump", "vllm", "v0.14.1", "--write")
    assert (written.returncode, written.stderr) == (0, "trueup: 5 places written\n")
    assert written.stdout.splitlines() == [
        "Dockerfile:2: v0.14.0 -> v0.14.1",
        "Dockerfile:4: 0.14.0 -> 0.14.1",
        "deploy/values.yaml:3: v0.14.0-cu129 -> v0.14.1-cu129",
        "docs/install.md:4: 0.14.0 -> 0.14.1",
        "pyproject.toml:4: 0.14.0 -> 0.14.1",
    ]
    for path, content in FILES.items():
        before = content if isinstance(content, bytes) else content.encode()
        after = before if path == "compose.yaml" else before.replace(b"0.14.0", b"0.14.1")
        # Prose is not read.
        after = after.replace(b"Tested with vllm 0.14.1", b"Tested with vllm 0.14.0")
        assert (stack.root / path).read_bytes() == after
    patched = stack.git("diff")
    stack.git("checkout", "--quiet", ".")
    command = [sys.executable, "-P", "-m", "trueup", "versions", "bump", "vllm", "0.14.1"]
    patch = subprocess.run(
        command, cwd=stack.root, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True
    ).stdout
    subprocess.run(["git", "apply"], cwd=stack.root, input=patch, check=True)
    assert stack.git("diff") == patched


def test_bump_takes_declared_places_along(stack: Repository) -> None:
    stack.write("web/engine.json", '{"engine": "vllm 0.14.0"}')
    stack.write("README.rst", "vllm >= 0.14 is needed\n")
    stack.write(
        "trueup.toml",
        '[[versions]]\nname = "vllm"\nsource = "dockerfile:Dockerfile#ARG VLLM_REF"\n'
        'appears = ["json:web/engine.json#engine", '
        '{ place = "regex:README.rst#vllm (>= [0-9.]+)", contains = true }]\n',
    )
    stack.add()
    assert stack.trueup("versions").returncode == 0
    assert stack.trueup("versions", "bump", "vllm", "0.15.0", "--write").returncode == 0
    assert (stack.root / "web/engine.json").read_text() == '{"engine": "vllm 0.15.0"}'
    assert (stack.root / "README.rst").read_text() == "vllm >= 0.14 is needed\n"
    assert stack.trueup("versions").returncode == 0


def test_bump_says_what_it_leaves(repository: Repository) -> None:
    repository.commit(
        {
            "a.txt": "",
            "requirements.txt": "vllm==0.14.1\n",
            "pyproject.toml": '[project]\nname = "x"\ndependencies = ["vllm>=0.14.0"]\n',
            "Dockerfile": "RUN pip install vllm==0.14.0\n",
            "w.sh": "VLLM_COMMIT=0f14098b9313b4b12f339e6991ba89b390cdf67f\n",
        }
    )
    done = repository.trueup("versions", "bump", "vllm", "0.14.1", "--write")
    assert done.stdout == "Dockerfile:1: 0.14.0 -> 0.14.1\n"
    assert done.stderr.splitlines() == [
        "trueup: left as it is: pyproject.toml:3: a lower bound of its own",
        "trueup: left as it is: w.sh:1: 0f14098b9313b4b12f339e6991ba89b390cdf67f is written in a form "
        "that 0.14.1 has not",
        "trueup: 1 place written; 1 place had it already",
    ]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (
            ("vllm", "newest"),
            "trueup: error: 'newest' is no version\nhint: for example 0.14.1, v0.14.1, or a commit's id\n",
        ),
        (("vlm", "1.0"), "trueup: error: nothing here names a version of 'vlm'\nhint: did you mean 'vllm'?\n"),
    ],
)
def test_bump_refuses_what_makes_no_sense(stack: Repository, args: tuple[str, str], message: str) -> None:
    done = stack.trueup("versions", "bump", *args)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", message)


def test_fix_writes_what_was_left_behind(stack: Repository) -> None:
    for path in ("pyproject.toml", "docs/install.md"):
        content = FILES[path]
        assert isinstance(content, str)
        stack.write(path, content.replace("0.14.0", "0.14.1"))
    done = stack.trueup("versions", "--since", "HEAD", "--fix")
    assert done.returncode == 0, done.stdout
    assert b"v0.14.1" in (stack.root / "Dockerfile").read_bytes()
    assert "'v0.14.1-cu129'   # the engine" in (stack.root / "deploy/values.yaml").read_text()
    assert stack.trueup("versions", "--since", "HEAD").returncode == 0
