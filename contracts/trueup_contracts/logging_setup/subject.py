"""A package, or a set-up function in one, asked in interpreters of its own."""

from __future__ import annotations

import secrets
import shlex
from collections.abc import Mapping
from typing import Any, NoReturn

from trueup_contracts.errors import AdapterDiedError, NotRunError, Refusal, TargetError
from trueup_contracts.logging_setup import interpreter
from trueup_contracts.logging_setup.interpreter import Run
from trueup_contracts.registry import SuiteInfo, way_of
from trueup_contracts.subject import About, Deaths, Handle, Settings, Subject, known_capabilities

CHILD_S = 60.0  # deadline of one interpreter, before it is scaled: torch alone may take ten to be imported
# Environment variables that packages read secrets from; each gets one that nobody has, anew in each run.
SECRETS = {
    "HF_TOKEN": "hf_{}",
    "OPENAI_API_KEY": "sk-proj-{}",
    "ANTHROPIC_API_KEY": "sk-ant-api03-{}",
    "AWS_SECRET_ACCESS_KEY": "{}",
    "GITHUB_TOKEN": "ghp_{}",
    "WANDB_API_KEY": "{}",
}
_IMPORTS = ("import", "import_configured")
_WITH_SECRETS = ("import_configured", "configured")


class LoggingSubject(Subject):
    """The target `import:PACKAGE` or `setup:PACKAGE.MODULE:FUNCTION`. Each run is made once, and kept."""

    in_process = False

    def __init__(self, suite: SuiteInfo, label: str, target: str, settings: Settings) -> None:
        """Imports it once. `TargetError` says why that cannot be done."""
        self.suite, self.label, self.target = suite, label, target
        self._settings = settings
        self.root = settings.root
        self._deaths = Deaths("the interpreter")
        self._runs: dict[str, Run] = {}
        self._died: dict[str, AdapterDiedError] = {}
        self._snippet, self._log = "", ""
        self.module, self.function = _named(target)
        self.package = self.module.partition(".")[0]
        self.logger = self.package
        self.level_variable = ""
        self.writes_json_with = ""
        self.secrets = {name: form.format(secrets.token_hex(20)) for name, form in SECRETS.items()}
        way = way_of(target)
        first = self.run("import")
        if "failed" in first.report:
            raise TargetError(f"{target!r} cannot be imported: {first.report['failed']}")
        told = first.report["about"]
        claimed = frozenset(told.get("capabilities", ())) | settings.claims.get(f"{suite.name}@{label}", frozenset())
        self.capabilities = known_capabilities(suite, label, claimed) | {way}
        self._take_attributes(told, label)
        self.about = About(self.package, told["version"], f"Python {_python()}", None)

    def _take_attributes(self, told: Mapping[str, Any], label: str) -> None:
        if "root" in self.capabilities:
            self.logger = ""
        elif isinstance(told.get("logger"), str) and told["logger"]:
            self.logger = told["logger"]
        self.level_variable = str(told.get("level_variable") or "")
        self.writes_json_with = "json=True" if told.get("json") else ""
        if "environment" in self.capabilities and not self.level_variable:
            raise TargetError(
                f"{self.suite.name}@{label} claims 'environment'",
                f"{self.function}.level_variable has to name the variable of the level",
            )

    def run(self, probe: str, *, key: str = "", extra: Mapping[str, str] | None = None, **request: Any) -> Run:
        """The run of a probe, of `child/main.py`; `key` tells its variants apart. Each is run once."""
        __tracebackhide__ = True
        name = f"{probe} {key}"
        if name in self._died:  # and is not made again: that is no further death
            raise self._died[name]
        if name not in self._runs:
            scale = self._settings.scale
            asked = {
                "probe": probe,
                "module": self.module,
                "function": self.function,
                "logger": self.package if probe in _IMPORTS else self.logger,
                "scale": scale,
                **request,
            }
            if probe == "processes":
                asked["spawn"] = interpreter.command({**asked, "probe": "burst", "mark": ""}, 0)
            given = self.secrets if probe in _WITH_SECRETS else extra or {}
            try:
                self._runs[name] = interpreter.run(
                    asked, self._settings.root, CHILD_S * scale, given, packets=probe == "processes"
                )
            except AdapterDiedError as error:
                self._deaths.happened = True
                self._died[name] = error
                raise
        found = self._runs[name]
        self._log = found.text[-4000:] if "failed" in found.report else ""
        return found

    def ran(self, probe: str, **request: Any) -> Run:
        """The same, of a probe that must have come to its end."""
        __tracebackhide__ = True
        found = self.run(probe, **request)
        failed = found.report.get("failed")
        assert failed is None, f"{self.called} raised {str(failed).replace(chr(10), ', ')}"
        return found

    @property
    def called(self) -> str:
        """What is asked, in words."""
        return f"{self.function}()" if self.function else f"import {self.module}"

    def repeat(self, *lines: str, before: str = "", environment: str = "", setup: bool = False) -> None:
        """What a user types to see it: Python, after the import, or after the set-up function is there as `setup`."""
        given = f"from {self.module} import {self.function.partition('.')[0]}" if setup else f"import {self.module}"
        code = _joined([line for line in ("import logging", before, given, *lines) if line])
        self._snippet = f"{environment + ' ' if environment else ''}python -c {_quoted(code)}"

    def repeat_test(self, *, twice: bool) -> None:
        """The same, of what shows in a test; `twice`: the set-up function is called in it."""
        calls = [f"import {self.module}"] + [f"{self.module}.{self.function}()"] * 2 * twice
        name = self.logger or "trueup_lib"
        lines = [*calls, f"logging.getLogger({name!r}).error('once')", "assert len(caplog.records) == 1"]
        text = "\n".join(["import logging", "def test_it(caplog):", *(f"    {line}" for line in lines)])
        self._snippet = f"cat > test_it.py <<'END'\n{text}\nEND\npython -m pytest test_it.py"

    def begin(self, test: str) -> None:
        """What an earlier test saw says nothing about this one. After three that died, the rest is not run."""
        top = self.function.partition(".")[0]
        code = f"from {self.module} import {top}; {self.function}()" if top else f"import {self.module}"
        self._snippet, self._log = f"python -c {_quoted(code)}", ""
        self._deaths.begin()

    def snippet(self) -> str:
        """A command that shows what the last test saw."""
        return self._snippet

    def log(self) -> str:
        """What the interpreter wrote that failed."""
        return self._log

    def open(self, **args: Any) -> Handle:
        """There is nothing to open."""
        self._refuse()

    def open_by(self, method: str, **args: Any) -> Handle:
        """There is nothing to open."""
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise Refusal("unsupported", f"{self.target} is asked in interpreters of its own")


def asked(subject: Subject) -> LoggingSubject:
    """The subject, as the tests of this suite know it."""
    assert isinstance(subject, LoggingSubject), "this suite asks import: and setup: targets"
    return subject


def needs_fork() -> None:
    """`NotRunError` where processes cannot be forked."""
    import os

    if not hasattr(os, "fork"):
        raise NotRunError("this system has no fork")


def _named(target: str) -> tuple[str, str]:
    """Module and function of a target; the function is empty for `import:`. `TargetError` for what cannot be read."""
    import os

    way, _, rest = target.partition(":")
    module, colon, function = rest.strip().partition(":")
    parts = [*module.split("."), *(function.split(".") if colon else [])]
    if not all(part.isidentifier() for part in parts) or (way == "import") == bool(colon):
        raise TargetError(f"{target!r} is no target", "write import:PACKAGE or setup:PACKAGE.MODULE:FUNCTION")
    if os.name != "posix":
        raise TargetError(f"{target}: interpreters can be asked on POSIX systems only, this is {os.name}")
    return module, function


def _joined(lines: list[str]) -> str:
    """Statements on one line, where they can stand there."""
    is_flat = not any(line.startswith((" ", "for ", "if ", "with ")) for line in lines)
    return ("; " if is_flat else "\n").join(lines)


def _quoted(code: str) -> str:
    """Code as a word of a shell, readable where it holds nothing special."""
    return f'"{code}"' if not set(code) & set('"$`\\!') else shlex.quote(code)


def _python() -> str:
    import platform

    return platform.python_version()
