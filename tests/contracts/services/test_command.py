"""Services that the suite starts and stops."""

from __future__ import annotations

import json
import os
import shlex
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contracts.services.test_url import HERE, Project
from contracts.wire.test_hostile import LIMIT_S, descendants, descriptors
from trueup_contracts.errors import AdapterDiedError, AdapterError, NotRunError, TargetError
from trueup_contracts.registry import FOLDERS, SuiteInfo, suite
from trueup_contracts.services.command import CommandSubject, written
from trueup_contracts.subject import Settings

SERVICE = f"{shlex.quote(sys.executable)} -S {shlex.quote(str(HERE / 'service.py'))}"
COMMAND = f"{SERVICE} --host {{host}} --port {{port}} --config {{config}}"
CONFIG = {"start": 40}


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> SuiteInfo:
    monkeypatch.syspath_prepend(HERE)
    monkeypatch.setitem(FOLDERS, "toy", "toy")
    return suite("toy")


@pytest.fixture(autouse=True)
def nothing_is_left(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setenv("TRUEUP_HOSTILE", str(os.getpid()))
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    before = descriptors()
    yield
    deadline_s = time.monotonic() + LIMIT_S  # what was killed ends when the kernel comes to it
    while descendants() and time.monotonic() < deadline_s:
        time.sleep(0.01)
    assert descendants() == set()
    assert {number: what for number, what in descriptors().items() if before.get(number) != what} == {}
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")


def started(toy: SuiteInfo, root: Path, how: str = "", scale: float = 1.0) -> CommandSubject:
    command = COMMAND + (f" --how {shlex.quote(how)}" if how else "")
    return CommandSubject(toy, "x", command, Settings(root, scale))


@pytest.mark.parametrize("words", [[], ["-n", "2"]], ids=["plain", "two workers"])
def test_a_service_is_started_for_the_suite(project: Project, words: list[str]) -> None:
    (project.root / "claims.toml").write_text('toy = ["adding", "config"]\n')
    impl = ["--contracts-impl", f"toy = command: {COMMAND}", "--contracts-capabilities", "claims.toml"]
    done = project.pytest(*impl, *words)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "toy@service  3/3 pass  none asked\n" in done.stdout
    assert "claims adding, config\n" in done.stdout


def test_a_failure_tells_how_to_start_it_again(project: Project) -> None:
    (project.root / "claims.toml").write_text('toy = ["adding"]\n')
    impl = ["--contracts-impl", f"toy = command: {COMMAND} --how forgets", "--contracts-capabilities", "claims.toml"]
    done = project.pytest(*impl)
    assert done.returncode == 1
    told = [line.strip() for line in done.stdout[done.stdout.index("to repeat it:") :].splitlines()]
    assert told[2].startswith("cat > ")
    assert told[2].endswith("config.json <<'END'")
    assert told[3:7] == ["{", '"start": 0', "}", "END"]
    assert told[7].endswith("config.json --how forgets &")
    assert told[8:10] == ["# then, in Python:", "from toy.client import Client"]
    assert "subject.add(number=3)" in told
    assert any("POST /add" in line for line in told[told.index("what the service wrote, its last lines:") :])


def test_services_of_one_test_are_told_apart_and_end_with_it(toy: SuiteInfo, tmp_path: Path) -> None:
    subject = started(toy, tmp_path)
    one, two = subject.open(config=CONFIG), subject.open(config={"start": 7})
    one.call("add", number=1)
    assert (one.call("count"), two.call("count")) == (41, 7)
    subject.begin("the next test")
    assert descendants() == set()
    with pytest.raises(AdapterError, match=r"count raised URLError: .*Connection refused"):
        one.call("count")
    with subject.open(config=CONFIG) as three:
        assert three.call("count") == 40
    assert three.running.process.returncode == -15
    subject.end()


DEATHS = {
    "exits": "the service ended with exit status 1 before it was ready; it wrote last: no model",
    "hangs": "the service was not ready within 2.5 s: Connection refused",
    "is never ready": "the service was not ready within 2.5 s: GET /readyz answered 503",
}


@pytest.mark.parametrize("how", DEATHS)
def test_services_that_do_not_start(toy: SuiteInfo, how: str, tmp_path: Path) -> None:
    subject = started(toy, tmp_path, how, scale=0.5)
    with pytest.raises(AdapterDiedError) as caught:
        subject.open(config=CONFIG)
    assert DEATHS[how] in str(caught.value)
    begun = time.monotonic()
    with pytest.raises(AdapterDiedError):  # nothing is waited for twice in one test
        subject.open(config=CONFIG)
    assert time.monotonic() - begun < 1
    subject.end()


def test_after_three_deaths_in_a_row_the_rest_is_not_run(toy: SuiteInfo, tmp_path: Path) -> None:
    subject = started(toy, tmp_path, "exits")
    for test in ("one", "two", "three"):
        subject.begin(test)
        with pytest.raises(AdapterDiedError):
            subject.open(config=CONFIG)
    with pytest.raises(NotRunError, match="the service died in 3 tests one after the other; the rest is not run"):
        subject.begin("four")
    subject.end()


@pytest.mark.parametrize("how", ["ignores SIGTERM", "leaves a child"])
def test_the_whole_group_is_ended(toy: SuiteInfo, how: str, tmp_path: Path) -> None:
    subject = started(toy, tmp_path, how, scale=0.5)
    assert subject.open(config=CONFIG).call("count") == 40
    assert len(descendants()) == (2 if how == "leaves a child" else 1)
    subject.end()


USAGE: dict[str, tuple[str, str]] = {
    "no port": ("python3 {config}", "nothing tells it its port\nwrite {port} where the program takes it"),
    "a placeholder": ("python3 {port} {confg}", "the suite toy has no placeholder {confg}\ndid you mean 'config'?"),
    "no program": ("./none {port}", "command: ./none {port}: there is no program ./none\nprograms are started in "),
    "nothing": ("", "command: names no program"),
    "half a word": ("'x {port}", "command: 'x {port}: No closing quotation"),
}


@pytest.mark.parametrize(("command", "told"), USAGE.values(), ids=USAGE)
def test_commands_that_cannot_be_obeyed(toy: SuiteInfo, command: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(TargetError) as caught:
        CommandSubject(toy, "x", command, Settings(tmp_path))
    assert told in str(caught.value)


def test_braces_that_are_no_placeholder_stay(toy: SuiteInfo, tmp_path: Path) -> None:
    subject = CommandSubject(toy, "x", f"{COMMAND} --how '{{\"a\": 1}}{{}}'", Settings(tmp_path))
    subject.open(config=CONFIG)
    assert "'{\"a\": 1}{}'" in subject.snippet()
    subject.end()


def test_a_service_that_is_kept_outlives_its_test(toy: SuiteInfo, tmp_path: Path) -> None:
    subject = started(toy, tmp_path)
    ended: list[str] = []
    subject.begin("one")
    kept, other = subject.open(config=CONFIG), subject.open(config=CONFIG)
    subject.keep(kept, lambda: ended.append("kept"))
    subject.keep(other, lambda: ended.append("other"))
    kept.call("add", number=2)
    subject.begin("two")
    assert (subject.snippet(), subject.log()) == (f"# {subject.target}", "")
    subject.show(kept)
    assert kept.call("count") == 42
    assert subject.snippet().splitlines()[-2:] == [kept.url.join(["subject = Client('", "', 10)"]), "subject.count()"]
    assert "config.json &" in subject.snippet()
    assert "GET /count" in subject.log()
    subject.drop(other)
    assert (ended, len(descendants())) == (["other"], 1)
    subject.end()
    assert ended == ["other", "kept"]


def test_services_that_must_not_start(toy: SuiteInfo, tmp_path: Path) -> None:
    subject = started(toy, tmp_path, scale=0.2)
    runs_on, ends = subject.start_wrong({"config": CONFIG}, {"config": {"begin": 3}})
    assert runs_on.status is None
    assert ends.status == 1
    assert "KeyError: 'start'" in ends.log
    assert descendants() == set()
    assert subject.open(config=CONFIG).call("count") == 40  # none of it was a death
    subject.end()


def test_a_service_is_ready_by_another_path(toy: SuiteInfo, tmp_path: Path) -> None:
    subject = started(toy, tmp_path, "is never ready")
    assert subject.start({"config": CONFIG}, "/count").call("count") == 40
    subject.end()


@pytest.mark.parametrize("value", [{}, [], {"a": [1, {"b": None}], "é": "x"}, [1, [2], {"c": 3}]])
def test_files_have_a_line_for_each_field(value: dict[str, Any] | list[Any]) -> None:
    text = written(value)
    assert json.loads(text) == value
    assert len(text.splitlines()) == len(value) + 2 + (not value)
