"""`pytest --contracts` in somebody else's project, with settings that have broken plugins before."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROUTER = """\
import threading

from trueup_reference.router import PoolRouter

class Good(PoolRouter):
    pass

class Zero(PoolRouter):
    capabilities = frozenset({"disagg", "agg"})

    def select_prefill(self, isl, ttft_target_ms=None):
        return super().select_prefill(isl, ttft_target_ms or None)

    def select_decode(self, context_length, itl_target_ms=None):
        return super().select_decode(context_length, itl_target_ms or None)

    def select_agg(self, ttft_target_ms=None, itl_target_ms=None):
        return super().select_agg(ttft_target_ms or None, itl_target_ms)

class Hanging(PoolRouter):
    capabilities = frozenset({"disagg"})

    def select_prefill(self, isl, ttft_target_ms=None):
        while True:
            pass

class Stuck(PoolRouter):
    capabilities = frozenset({"disagg"})

    def select_prefill(self, isl, ttft_target_ms=None):
        threading.Lock().acquire() and threading.Event().wait()

class Broken(PoolRouter):
    capabilities = frozenset({"disagg"})

    def select_prefill(self, **request):
        raise KeyError("oops")
"""
CONFTEST = """\
import pytest

@pytest.fixture(autouse=True)
def always():
    yield

@pytest.fixture
def subject():
    raise AssertionError("somebody else's fixture")

@pytest.fixture
def trueup_subject():
    raise AssertionError("somebody else's fixture")

@pytest.fixture
def trueup_profile():
    raise AssertionError("somebody else's fixture")
"""
OWN = "raise AssertionError('imported')\n"
STRICT = """\
[tool.pytest.ini_options]
python_functions = "check_*"
python_files = "check_*.py"
testpaths = ["tests"]
addopts = "--strict-markers --strict-config"
filterwarnings = ["error"]
contracts = ["router = mine:Good"]
"""


class Project:
    """A scratch project outside this repository."""

    def __init__(self, root: Path, python: str = sys.executable, bytecode: Path | None = None) -> None:
        """Nothing is compiled into the project: into the folder `bytecode`, if one is given."""
        self.root = root
        self.python = python
        self.compiling = {"PYTHONPYCACHEPREFIX": str(bytecode)} if bytecode else {"PYTHONDONTWRITEBYTECODE": "1"}
        for path, text in {
            "mine.py": ROUTER,
            "conftest.py": CONFTEST,
            "tests/check_own.py": OWN,
            "pyproject.toml": STRICT,
        }.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)

    def pytest(self, *words: str) -> subprocess.CompletedProcess[str]:
        env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "HYPOTHESIS_"))}
        return subprocess.run(
            [self.python, "-P", "-m", "pytest", "--contracts-profile", "quick", "--contracts-seed", "1", *words],
            cwd=self.root,
            env={**env, **self.compiling},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")


PASSES = "router@Good  34/34 pass  15/15 pass  1\n"
MODES: dict[str, list[str]] = {
    "plain": [],
    "two workers": ["-n", "2"],
    "importlib mode": ["--import-mode=importlib"],
    "no cache": ["-p", "no:cacheprovider"],
    "quiet": ["-q"],
}


@pytest.mark.parametrize("words", MODES.values(), ids=MODES)
def test_a_good_router_passes_in_every_mode(project: Project, words: list[str]) -> None:
    before = {path for path in project.root.rglob("*") if path.is_file()}
    done = project.pytest("--contracts", *words)
    assert done.returncode == 0, done.stdout + done.stderr
    assert PASSES in done.stdout
    written = {path for path in project.root.rglob("*") if path.is_file()} - before
    assert [path for path in written if ".pytest_cache" not in path.parts] == []


def test_without_the_flag_the_own_tests_run_alone(project: Project) -> None:
    (project.root / "tests/check_own.py").write_text("def check_it(subject_free=1):\n    assert True\n")
    done = project.pytest()
    assert done.returncode == 0
    assert "1 passed" in done.stdout
    assert "contracts" not in done.stdout


def test_a_fault_is_told_so_that_it_can_be_guessed(project: Project) -> None:
    done = project.pytest("--contracts", "--contracts-impl", "router@mine = mine:Zero")
    assert done.returncode == 1
    for line in (
        "RC-039 (MUST): A target of 0 is a value, not an absence.",
        "why: `or` in place of `is None` turns the strictest target into the midpoint.",
        "    from mine import Zero",
        "    subject.select_prefill(isl=0, ttft_target_ms=0)",
    ):
        assert line in done.stdout.splitlines(), line
    assert "AssertionError: select_prefill({'isl': 0, 'ttft_target_ms': 0}) answered pool 1, expected 0" in done.stdout
    assert "router@mine  " in done.stdout
    assert "not claimed" in done.stdout


SELECTIONS: dict[str, tuple[list[str], str]] = {
    "a node id": (["contracts::router@Good::test_a_target_of_zero_is_a_value"], "1 passed"),
    "a suite": (["contracts::router@Good"], "49 passed"),
    "a word": (["-k", "zero or midpoint"], "3 passed, 46 deselected"),
    "node id with workers": (["-n", "2", "contracts::router@Good::test_a_target_of_zero_is_a_value"], "1 passed"),
}


@pytest.mark.parametrize(("words", "told"), SELECTIONS.values(), ids=SELECTIONS)
def test_selections(project: Project, words: list[str], told: str) -> None:
    done = project.pytest("--contracts", *words)
    assert done.returncode == 0, done.stdout
    assert told in done.stdout


def test_last_failed(project: Project) -> None:
    impl = ["--contracts", "--contracts-impl", "router = mine:Zero"]
    first = project.pytest(*impl)
    failed = first.stdout.rpartition("\n=")[2].split(" failed")[0].split()[-1]
    again = project.pytest(*impl, "--lf")
    assert again.returncode == 1
    assert f"{failed} failed" in again.stdout
    assert " passed" not in again.stdout


USAGE: dict[str, tuple[list[str], str]] = {
    "a path": (["tests"], "--contracts takes no paths: tests"),
    "a suite that does not exist": (["--contracts-impl", "ruoter = mine:Good"], "did you mean 'router'?"),
    "a report format": (["--contracts-report", "xml=x"], "formats are json, markdown, badge"),
    "a report in a folder that is not there": (["--contracts-report", "json=no/where"], "there is no folder no"),
    "a report that is a folder": (["--contracts-report", "badge=."], "the report cannot be written: it is a folder"),
    "a test that does not exist": (["contracts::router@Good::test_nothing"], "no test is named"),
    "an edition": (["--contracts-edition", "one"], "'one' is no edition"),
    "an edition that is not there yet": (["--contracts-edition", "9.0"], "the suite router is at 0.1"),
    "a suite without a declaration": (["--contracts-suite", "ruoter"], "did you mean 'router'?"),
    "a capability": (["--contracts-require", "thread"], "did you mean 'threads'?"),
    "a scale": (["--contracts-timeout-scale", "0"], "a number above 0 is due"),
    "a transcript": (["--contracts-transcript", "no/where"], "the transcript cannot be written"),
    "known failures that are not there": (["--contracts-known", "none.toml"], "the known failures cannot be read"),
}


@pytest.mark.parametrize(("words", "told"), USAGE.values(), ids=USAGE)
def test_usage_errors(project: Project, words: list[str], told: str) -> None:
    done = project.pytest("--contracts", *words)
    assert done.returncode == 4
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_a_mistyped_setting_is_never_green(project: Project) -> None:
    text = STRICT.replace("contracts =", "contarcts =").replace(" --strict-config", "")
    (project.root / "pyproject.toml").write_text(text.replace('filterwarnings = ["error"]\n', ""))
    done = project.pytest("--contracts")
    assert done.returncode == 4
    assert 'contracts = ["router = my_engine.router:make_router"]' in done.stderr


def test_a_target_that_cannot_be_imported_fails_the_run(project: Project) -> None:
    done = project.pytest("--contracts", "--contracts-impl", "router = mine:Godo")
    assert done.returncode not in (0, 5)
    assert "did you mean 'Good'?" in done.stdout


CLAIMS = """
class Five:
    capabilities = 5

class Late:
    @property
    def capabilities(self):
        return {"disagg"}
"""
UNUSABLE: dict[str, tuple[str, str, list[str]]] = {
    "raises": ("raise RuntimeError('no GPU')", "x", ["it raised RuntimeError: no GPU", "other.py:1"]),
    "ends": ("import sys\nsys.exit(0)", "x", ["it raised SystemExit: 0", "other.py:2"]),
    "is not Python": ("def f(:", "x", ["SyntaxError: invalid syntax (other.py, line 1)"]),
    "claims a number": (CLAIMS, "Five", ["capabilities is a int, on Five", "a set of names is due"]),
    "claims too late": (CLAIMS, "Late", ["capabilities is a property, on Late"]),
}


@pytest.mark.parametrize(("text", "name", "told"), UNUSABLE.values(), ids=UNUSABLE)
def test_a_target_that_cannot_be_used_is_told_in_two_lines(
    project: Project, text: str, name: str, told: list[str]
) -> None:
    (project.root / "other.py").write_text(text)
    done = project.pytest("--contracts", "--contracts-impl", f"router = other:{name}")
    assert done.returncode == 2
    for one in told:
        assert one in done.stdout
    assert "in_process.py" not in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_an_exception_that_is_no_refusal_is_an_error_and_not_a_verdict(project: Project) -> None:
    report = project.root / "report.json"
    words = ["--contracts-impl", "router = mine:Broken", "--contracts-report", f"json={report}"]
    done = project.pytest("--contracts", *words)
    assert done.returncode == 1
    assert "AdapterError: select_prefill raised KeyError: 'oops'" in done.stdout
    states = json.loads(report.read_text())["implementations"][0]["requirements"]
    assert states["RC-034"]["state"] == "error"
    assert states["RC-032"]["state"] == "not-claimed"
    assert states["RC-056"]["state"] == "untestable"
    assert len(states) == 50


@pytest.mark.parametrize("name", ["Hanging", "Stuck"])
def test_an_implementation_that_hangs_ends_in_time(project: Project, name: str) -> None:
    words = ["--contracts-impl", f"router = mine:{name}", "--contracts-timeout-scale", "0.02"]
    done = project.pytest("--contracts", *words, "-k", "prefill or zero or midpoint or edge or outside")
    assert done.returncode == 1
    told = "AdapterDiedError: the implementation gave no answer to select_prefill within 0.6 s"
    assert told in done.stdout
    assert "subject.select_prefill(isl=" in done.stdout.partition("to repeat it:")[2]
    assert f"saw: {told.partition(': ')[2]}" in done.stdout
    assert "3 failed" in done.stdout  # the rest is not run: nothing is waited for again and again
    assert "the implementation died in 3 tests one after the other; the rest is not run" in done.stdout


def test_reports_and_junit(project: Project) -> None:
    words = ["--contracts-report", "json=r.json", "--contracts-report", "markdown=r.md", "--junitxml", "r.xml"]
    assert project.pytest("--contracts", "--contracts-seed", "7", "-n", "2", *words).returncode == 0
    report = json.loads((project.root / "r.json").read_text())
    assert (report["seed"], report["profile"], report["version"]) == (7, "quick", 1)
    [implementation] = report["implementations"]
    assert {one["state"] for one in implementation["requirements"].values()} == {"pass", "untestable"}
    assert "| RC-039 | MUST | A target of 0 is a value, not an absence. | pass |" in (project.root / "r.md").read_text()
    cases = ElementTree.parse(project.root / "r.xml").iter("testcase")
    named = {one.get("value") for case in cases for one in case.iter("property") if one.get("name") == "requirement"}
    assert len(named) == 49


def test_levels(project: Project) -> None:
    (project.root / "mine.py").write_text(
        ROUTER + "class Mild(PoolRouter):\n    capabilities = frozenset({'disagg'})\n"
        "    def __init__(self, config):\n        super().__init__({k: v for k, v in config.items() if k != 'x'})\n"
        "    def select_prefill(self, isl, ttft_target_ms=None):\n"
        "        return super().select_prefill(max(isl or 0, 0) if not isinstance(isl, str) else isl, ttft_target_ms)\n"
    )
    impl = ["--contracts", "--contracts-impl", "router = mine:Mild"]
    lenient, strict = project.pytest(*impl), project.pytest(*impl, "--contracts-level", "should")
    assert (lenient.returncode, strict.returncode) == (0, 1)
    assert "RC-048 SHOULD  FAIL" in lenient.stdout
    assert "RC-048 SHOULD  FAIL" in strict.stdout
    for done in (lenient, strict):  # what a SHOULD fails on is told, although it does not fail the run
        saw = done.stdout.partition("RC-048 SHOULD  FAIL")[2].splitlines()[2]
        assert saw.startswith("         saw: select_prefill({'isl': ")


def test_known_failures_do_not_fail_the_run_until_they_pass(project: Project) -> None:
    known = project.root / "known.toml"

    def write(ids: list[str]) -> None:
        entries = [f'[[known]]\nrequirement = "{one}"\nlabel = "Zero"\nreason = "we use `or`"\n' for one in ids]
        known.write_text("".join(entries))

    impl = ["--contracts", "--contracts-impl", "router = mine:Zero", "--contracts-known", "known.toml"]
    report = ["--contracts-report", "json=r.json"]
    project.pytest(*impl[:3], *report)
    states = json.loads((project.root / "r.json").read_text())["implementations"][0]["requirements"]
    failing = [one for one, told in states.items() if told["state"] == "fail" and told["level"] == "MUST"]
    assert "RC-039" in failing
    write(failing)
    done = project.pytest(*impl)
    assert done.returncode == 0, done.stdout
    assert "known" in done.stdout
    write([*failing, "RC-051"])
    assert project.pytest(*impl).returncode == 0
    strict = project.pytest(*impl, "--contracts-strict-known")
    assert strict.returncode == 1
    assert "RC-051 MUST    UNEXPECTED-PASS" in strict.stdout


def test_two_implementations_of_one_suite(project: Project) -> None:
    words = ["--contracts-impl", "router@one = mine:Good", "--contracts-impl", "router@two = mine:Zero"]
    done = project.pytest("--contracts", *words)
    assert done.returncode == 1
    assert "router@one  34/34 pass" in done.stdout
    assert "contracts::router@two::test_a_target_of_zero_is_a_value" in done.stdout


def test_the_plugin_imports_nothing_where_it_is_not_asked(project: Project) -> None:
    code = "import sys, trueup_contracts.plugin as p; print(sorted(m for m in sys.modules if 'trueup' in m))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(
        ["trueup_contracts", "trueup_contracts.errors", "trueup_contracts.marks", "trueup_contracts.plugin"]
    )
