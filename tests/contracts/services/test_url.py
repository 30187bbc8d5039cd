"""Targets at a URL: asked over HTTP by the suite's own client, with claims from a file."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from trueup_contracts.claims import read
from trueup_contracts.declarations import parse
from trueup_contracts.errors import TargetError
from trueup_contracts.registry import FOLDERS, SuiteInfo, suite

HERE = Path(__file__).parent
CONFTEST = """\
import pytest
from trueup_contracts import registry

pytest.register_assert_rewrite("toy")  # as the kit's own suites are, with its plugin
registry.FOLDERS["toy"] = "toy"
"""


class Project:
    """A scratch project, into whose kit the toy suite is put."""

    def __init__(self, root: Path) -> None:
        self.root = root
        shutil.copytree(HERE / "toy", root / "toy", ignore=shutil.ignore_patterns("__pycache__"))
        (root / "conftest.py").write_text(CONFTEST)
        (root / "pytest.ini").write_text("[pytest]\naddopts = --strict-markers\nfilterwarnings = error\n")

    def pytest(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "pytest", "--contracts", "--contracts-seed", "1", *words]
        env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.run(command, cwd=self.root, env=env, capture_output=True, text=True, check=False)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> SuiteInfo:
    """The toy suite in this process's kit."""
    monkeypatch.syspath_prepend(HERE)
    monkeypatch.setitem(FOLDERS, "toy", "toy")
    return suite("toy")


@pytest.fixture
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A service that runs; a parameter says what it does."""
    how = getattr(request, "param", "")
    command = [sys.executable, "-S", str(HERE / "service.py"), "--how", how]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as service:
        assert service.stdout is not None
        yield f"http://127.0.0.1:{json.loads(service.stdout.readline())}"
        service.terminate()


def test_a_service_at_a_url(project: Project, url: str) -> None:
    done = project.pytest("--contracts-impl", f"toy = {url}", "--contracts-report", "json=r.json")
    assert done.returncode == 0, done.stdout + done.stderr
    label = url.removeprefix("http://").replace(":", "-")
    assert f"toy@{label}  1/1 pass  none asked  2\n" in done.stdout
    assert f"toy@{label}: {url.removeprefix('http://')} (HTTP), claims nothing\n" in done.stdout
    [told] = json.loads((project.root / "r.json").read_text())["implementations"]
    assert (told["target"], told["capabilities"]) == (url, ["http"])


@pytest.mark.parametrize("words", [[], ["-n", "2"]], ids=["plain", "two workers"])
def test_claims_come_from_a_file(project: Project, url: str, words: list[str]) -> None:
    (project.root / "claims.toml").write_text('toy = ["adding"]\n"toy@bare" = []\n')
    impls = ["--contracts-impl", f"toy@full = {url}", "--contracts-impl", f"toy@bare = {url}"]
    done = project.pytest(*impls, "--contracts-capabilities", "claims.toml", *words)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "toy@full  2/2 pass  none asked  1\n" in done.stdout
    assert "toy@bare  1/1 pass  none asked  2\n" in done.stdout
    assert "(HTTP), claims adding\n" in done.stdout


@pytest.mark.parametrize("url", ["forgets"], indirect=True)
def test_a_failure_tells_how_to_repeat_it(project: Project, url: str) -> None:
    (project.root / "claims.toml").write_text('toy = ["adding"]\n')
    with (project.root / "pytest.ini").open("a") as settings:
        settings.write(f"contracts_capabilities = claims.toml\ncontracts =\n    toy = {url}\n")
    done = project.pytest()
    assert done.returncode == 1
    assert "AssertionError: count answered 0 after 0 and 3 more" in done.stdout
    start = done.stdout.index("to repeat it:\n")
    assert [line.strip() for line in done.stdout[start:].splitlines()[1:7]] == [
        "from toy.client import Client",
        "",
        f"subject = Client({url!r}, 10)",
        "subject.count()",
        "subject.add(number=3)",
        "subject.count()",
    ]


@pytest.mark.parametrize("url", ["fails"], indirect=True)
def test_an_answer_that_is_none_is_an_error_and_no_verdict(project: Project, url: str) -> None:
    done = project.pytest("--contracts-impl", f"toy = {url}")
    assert done.returncode == 1
    assert "AdapterError: count raised HTTPError: HTTP Error 500: Internal Server Error" in done.stdout
    assert "TY-001 MUST    ERROR" in done.stdout


USAGE: dict[str, tuple[str, str]] = {
    "another way": (
        "router = http://127.0.0.1:1",
        "the suite router is not asked this way: http\nwrite router = MODULE",
    ),
    "not over the wire": ("toy = exec: ./toy", "write toy = MODULE:ATTRIBUTE or http://HOST:PORT/PATH or command:"),
    "no host": ("toy = http:///count", "'http:///count' is no URL that can be asked"),
    "no port": ("toy = http://127.0.0.1:0", "is no URL that can be asked"),
    "a wrong port": ("toy = http://127.0.0.1:x", "is no URL: Port could not be cast to integer value as 'x'"),
    "a fragment": ("toy = http://127.0.0.1:1/#here", "write http://127.0.0.1:1/"),
    "a password": (
        "toy = http://me:secret@127.0.0.1:1",
        "'http://…@127.0.0.1:1': a URL with a user's name is not taken",
    ),
    "a space": ("toy = http://127.0.0.1:1/a b", "is no URL that can be asked"),
}


@pytest.mark.parametrize(("declared", "told"), USAGE.values(), ids=USAGE)
def test_urls_that_cannot_be_asked(toy: SuiteInfo, declared: str, told: str) -> None:
    with pytest.raises(TargetError) as caught:
        parse([declared])
    assert told in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_password_is_shown_nowhere(project: Project) -> None:
    done = project.pytest("--contracts-impl", "toy = http://me:secret@127.0.0.1:1")
    assert done.returncode == 4
    assert "a URL with a user's name is not taken" in done.stderr
    assert "secret" not in done.stdout + done.stderr


def test_a_service_that_is_down_is_told_once(project: Project) -> None:
    done = project.pytest("--contracts-impl", "toy = http://127.0.0.1:1")
    assert done.returncode not in (0, 5)
    assert "http://127.0.0.1:1: nothing answers there: Connection refused" in done.stdout
    assert "start the service before the run" in done.stdout


CLAIMS: dict[str, tuple[str, str]] = {
    "an unknown name": ('toy = ["ading"]', "toy claims 'ading', which the suite does not know\ndid you mean 'adding'?"),
    "an unknown suite": ('tyo = ["adding"]', "nothing is declared as 'tyo'\ndid you mean 'toy'?"),
    "an unknown label": ('"toy@urll" = ["adding"]', "nothing is declared as 'toy@urll'\ndid you mean 'toy@url'?"),
    "what no URL can show": ('toy = ["config"]', "claims 'config', which nobody can show at a URL alone"),
    "what says it itself": (
        '"toy@own" = ["adding"]',
        "toy@own says itself what it claims\nits target is toy.client:Client",
    ),
    "no list": ('toy = "adding"', 'toy is no list of names\nwrite toy = ["NAME", …]'),
    "no TOML": ("toy =", "the capabilities cannot be read: Invalid value"),
}


@pytest.mark.parametrize(("text", "told"), CLAIMS.values(), ids=CLAIMS)
def test_claims_that_cannot_be_obeyed(toy: SuiteInfo, text: str, told: str, tmp_path: Path) -> None:
    file = tmp_path / "claims.toml"
    file.write_text(text)
    declared = parse(["toy@url = http://127.0.0.1:1", "toy@own = toy.client:Client"])
    with pytest.raises(TargetError) as caught:
        read(file, declared)
    assert told in str(caught.value)


def test_a_file_of_claims_that_is_not_there_is_a_usage_error(project: Project) -> None:
    words = ["--contracts-impl", "toy = http://127.0.0.1:1", "--contracts-capabilities", "none.toml"]
    done = project.pytest(*words)
    assert done.returncode == 4
    assert "none.toml: the capabilities cannot be read: [Errno 2] No such file or directory" in done.stderr
