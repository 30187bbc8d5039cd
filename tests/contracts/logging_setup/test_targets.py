"""Targets as users write and break them: what cannot be asked, what dies, and what a failure prints."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

import pytest

from contracts.logging_setup.packages import QUICK, Package
from contracts.suite_runs import verdicts_of
from trueup_contracts import claims
from trueup_contracts.declarations import parse
from trueup_contracts.errors import AdapterDiedError, TargetError
from trueup_contracts.logging_setup import SUITE, interpreter
from trueup_contracts.logging_setup.subject import asked
from trueup_contracts.subject import Settings, Subject, load

REFUSED = {
    "import:nowhere_at_all": "'import:nowhere_at_all' cannot be imported: ModuleNotFoundError: No module named",
    "import:mine:make": "'import:mine:make' is no target\nwrite import:PACKAGE or setup:PACKAGE.MODULE:FUNCTION",
    "import:a-b": "'import:a-b' is no target",
    "import:": "'import:' is no target",
    "setup:mine:": "'setup:mine:' is no target",
    "setup:mine:nothing": "cannot be imported: AttributeError: mine has no 'nothing'",
    "setup:mine:VALUE": "cannot be imported: TypeError: mine:VALUE is a int and cannot be called",
    "import:broken": "cannot be imported: ZeroDivisionError: division by zero\nbroken.py:2",
    "import:leaves": "cannot be imported: SystemExit: no GPU",
    "setup:mine:claims_too_much": "claims 'jason', which the suite does not know\ndid you mean 'json'?",
    "setup:mine:claims_environment": "claims 'environment'\nclaims_environment.level_variable has to name",
}
FILES = {
    "mine.py": "VALUE = 1\ndef claims_too_much(): pass\nclaims_too_much.capabilities = 'jason'\n"
    "def claims_environment(): pass\nclaims_environment.capabilities = ['environment']\n",
    "broken.py": "one = 1\nprint(one / 0)\n",
    "leaves.py": "import sys\nsys.exit('no GPU')\n",
}


@pytest.mark.parametrize("target", REFUSED)
def test_targets_that_cannot_be_asked(target: str, tmp_path: Path) -> None:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(TargetError) as caught:
        load(target, SUITE, "x", Settings(tmp_path))
    assert REFUSED[target] in str(caught.value)


def test_a_file_claims_for_a_function_of_somebody_elses(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("def setup(level='INFO'): pass\n")
    (tmp_path / "claims.toml").write_text('"logging-setup@theirs" = ["level"]\n"logging-setup@mine" = ["json"]\n')
    declared = parse(["logging-setup@theirs = setup:mine:setup", "logging-setup = import:mine"])
    with pytest.raises(TargetError, match="logging-setup@mine says itself what it claims\nits target is import:mine"):
        claims.read(tmp_path / "claims.toml", declared)
    (tmp_path / "claims.toml").write_text('"logging-setup@theirs" = ["level"]\n')
    settings = Settings(tmp_path, claims=claims.read(tmp_path / "claims.toml", declared))
    assert load("setup:mine:setup", SUITE, "theirs", settings).capabilities == {"setup", "level"}


def ask(text: str, root: Path, scale: float = 1.0) -> Subject:
    (root / "mine.py").write_text(text)
    return load("import:mine", SUITE, "mine", Settings(root, scale))


def test_an_import_that_hangs_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    text = "import subprocess, sys, time\n"
    text += f"subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(300)', {tmp_path.name!r}])\n"
    text += "time.sleep(300)\n"
    begin = time.monotonic()
    with pytest.raises(AdapterDiedError, match=r"the interpreter had not ended after 1\.5 s, in import"):
        ask(text, tmp_path, scale=0.025)
    assert time.monotonic() - begin < 30
    listing = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert tmp_path.name not in listing


def test_an_import_that_ends_the_interpreter_is_told(tmp_path: Path) -> None:
    with pytest.raises(AdapterDiedError, match="the interpreter ended with exit status 3, in import; no licence"):
        ask("import os, sys\nsys.stderr.write('no licence\\n')\nsys.stderr.flush()\nos._exit(3)\n", tmp_path)
    with pytest.raises(AdapterDiedError, match="the interpreter was ended by SIGSEGV, in import"):
        ask("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n", tmp_path)


def test_what_an_import_writes_is_no_report(tmp_path: Path) -> None:
    text = "import os, sys\nprint('{}' * 200_000)\nprint('{}', file=sys.stderr)\nsys.stdout.close()\n"
    told = verdicts_of(ask(text, tmp_path), QUICK, "LG-005")
    assert list(told) == ["LG-005"]


@pytest.mark.parametrize("work", ["import time; time.sleep(300)", "while True: print('x', flush=True)"])
def test_a_process_that_holds_the_pipes_open_is_not_waited_for(work: str, tmp_path: Path) -> None:
    text = f"import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', {work!r}])\n"
    begin = time.monotonic()
    told = verdicts_of(ask(text, tmp_path), QUICK)
    assert set(told) <= {"LG-005", "LG-010", "LG-011"}  # what it writes between the lines
    assert time.monotonic() - begin < 60


def test_a_child_gets_the_environment_without_what_makes_this_run_special(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PYTEST_CURRENT_TEST", "LOG_LEVEL", "MYLIB_LOGGING_LEVEL", "TRANSFORMERS_VERBOSITY", "PYTHONWARNINGS"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("PYTHONPATH", "kept")
    found = interpreter.environment({"HF_TOKEN": "hf_1"})
    assert found["PYTHONPATH"] == "kept"
    assert found["HF_TOKEN"] == "hf_1"
    assert not [name for name in found if "LEVEL" in name or "VERBOSITY" in name or "PYTEST" in name]
    assert "PYTHONWARNINGS" not in found


def test_the_package_sees_no_trace_of_what_asks_it(tmp_path: Path) -> None:
    text = (
        "import sys\n"
        "found = [name for name in sys.modules if name.startswith('trueup')]\n"
        "assert not found, found\n"
        "assert sys.argv == ['-c'], sys.argv\n"
        "assert type(sys.modules['logging']).__name__ in ('module', 'Watched')\n"
    )
    assert verdicts_of(ask(text, tmp_path), QUICK) == {}


REPEATED = {
    "LG-001": (Package("import logging\nlogging.debug('x')\n"), "[<StreamHandler <stderr> (NOTSET)>]"),
    "LG-003": (
        Package("import logging\nlogging.getLogger('mylib').addHandler(logging.StreamHandler())\n"),
        "[<StreamHandler <stderr> (NOTSET)>]",
    ),
    "LG-004": (Package("import logging\nlogging.getLogger('mylib').propagate = False\n"), "False False"),
    "LG-031": (
        Package(
            logs="import logging\ndef setup():\n    logging.getLogger('mylib').addHandler(logging.StreamHandler())\n"
        ),
        "once\nonce",
    ),
    "LG-036": (
        Package(logs="import logging.config\ndef setup():\n    logging.config.dictConfig({'version': 1})\n"),
        "True",
    ),
}


@pytest.mark.parametrize("identity", REPEATED)
def test_a_failure_prints_a_command_that_shows_it(identity: str, tmp_path: Path) -> None:
    package, shown = REPEATED[identity]
    subject = package.subject(tmp_path)
    assert identity in verdicts_of(subject, QUICK, identity)
    command = shlex.split(subject.snippet())
    assert command[:2] == ["python", "-c"]
    done = subprocess.run([sys.executable, *command[1:]], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert (done.stdout + done.stderr).strip() == shown


def test_a_failure_of_caplog_prints_a_test_that_shows_it(tmp_path: Path) -> None:
    package = Package(logs="import logging\ndef setup():\n    logging.root.handlers.clear()\n")
    subject = package.subject(tmp_path)
    assert "LG-038" in verdicts_of(subject, QUICK, "LG-038")
    text = subject.snippet().replace("python -m", f"{shlex.quote(sys.executable)} -m")
    done = subprocess.run(["sh", "-c", text], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "assert 0 == 1" in done.stdout


def test_pytest_runs_both_forms(tmp_path: Path) -> None:
    package = Package("import logging\nlogging.info('hello')\n", "def setup(): raise RuntimeError('no config')\n")
    package.write(tmp_path)
    impls = ["logging-setup = import:mylib", "logging-setup@setup = setup:mylib.logs:setup"]
    assert [one.label for one in parse(impls)] == ["mylib", "setup"]
    words = [word for line in impls for word in ("--contracts-impl", line)]
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    command = [sys.executable, "-m", "pytest", "--contracts", "-p", "no:cacheprovider", "--contracts-profile", "quick"]
    done = subprocess.run([*command, *words], cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "by mylib/__init__.py:2: logging.info('hello')" in done.stdout
    assert 'python -c "import logging; import mylib; print(logging.root.handlers)"' in done.stdout
    assert "setup() raised RuntimeError: no config, mylib/logs.py:1\n" in done.stdout
    assert 'python -c "from mylib.logs import setup; setup()"' in done.stdout


def test_a_run_is_made_once(tmp_path: Path) -> None:
    text = f"open({str(tmp_path / 'count')!r}, 'a').write('.')\n"
    subject = asked(ask(text, tmp_path))
    assert verdicts_of(subject, QUICK) == {}
    assert len((tmp_path / "count").read_text()) == 3


def test_a_forked_process_that_waits_for_ever_is_ended_and_told(tmp_path: Path) -> None:
    logs = """
    import logging, os, threading
    lock = threading.Lock()
    os.register_at_fork(before=lock.acquire, after_in_parent=lock.release)  # and nobody releases it in the child

    def setup():
        with lock:
            if not logging.getLogger('mylib').handlers:
                logging.getLogger('mylib').addHandler(logging.StreamHandler())
    """
    told = verdicts_of(Package(logs=logs).subject(tmp_path, scale=0.25), QUICK, "LG-034")["LG-034"]
    assert told.startswith("AssertionError: after setup(), a fork and setup() again the forked process had not ended")
