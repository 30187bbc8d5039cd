"""One run with `--contracts`: declarations, collection, outcomes, and the result at its end."""

from __future__ import annotations

import dataclasses
import random
import tempfile
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

import pytest

from trueup_contracts import claims, declarations, fixtures, known, report
from trueup_contracts.collecting import Contracts, Plan, SuiteModule, edition_of, requirement_of
from trueup_contracts.errors import AdapterError, NotRunError, Refusal, TargetError
from trueup_contracts.registry import FOLDERS, WAYS, Requirement, imported, suite
from trueup_contracts.states import HoleError, Ledger, State, fold
from trueup_contracts.subject import Settings


class ContractsSession:
    """The plugin of one run. Under xdist every worker has one, and the controller puts their ledgers together."""

    def __init__(self, config: pytest.Config) -> None:
        """Reads the declarations; a `pytest.UsageError` (exit code 4) says what is wrong with them."""
        self.config = config
        self.is_worker = hasattr(config, "workerinput")
        option = config.option
        if option.contracts_seed is None:
            option.contracts_seed = random.SystemRandom().randrange(2**32)
        self._take_node_ids()
        try:
            declared = declarations.parse(option.contracts_impl or config.getini("contracts"))
            declared = declarations.only(declared, option.contracts_suite)
            self.plan = Plan(declared, self._settings(declared), self._edition(declared))
            self.ledgers = self.plan.ledgers
            self._check_required(declared)
            self.known = self._known_failures()
            self.reports = [report.parse_request(text) for text in option.contracts_report]
        except TargetError as error:
            raise pytest.UsageError(str(error)) from error

    def _take_node_ids(self) -> None:
        """`contracts::…` names no file, so pytest must not look for one."""
        config = self.config
        given = [argument for argument in config.args if argument.startswith("contracts::")]
        if given:
            config.option.contracts_select = given
            config.args[:] = [argument for argument in config.args if argument not in given]
        if config.args and config.args_source is pytest.Config.ArgsSource.ARGS and not self.is_worker:
            raise pytest.UsageError(
                f"--contracts takes no paths: {' '.join(config.args)}\n"
                "a single test is named by its id: contracts::router@label::test_…"
            )
        config.args[:] = [str(config.rootpath)]

    def _settings(self, declared: Sequence[declarations.Declaration]) -> Settings:
        option = self.config.option
        if not 0 < option.contracts_timeout_scale < float("inf"):
            raise TargetError(f"--contracts-timeout-scale {option.contracts_timeout_scale}: a number above 0 is due")
        transcript = None
        if option.contracts_transcript is not None:
            worker = self.config.workerinput["workerid"] if self.is_worker else None  # type: ignore[attr-defined]
            transcript = Path(f"{option.contracts_transcript}.{worker}" if worker else option.contracts_transcript)
            try:
                transcript.write_bytes(b"")
            except OSError as error:
                raise TargetError(f"{transcript}: the transcript cannot be written: {error.strerror}") from error
        name = option.contracts_capabilities or self.config.getini("contracts_capabilities")
        claimed = claims.read(Path(self.config.rootpath, name) if name else None, declared)
        options = self._options(declared)
        return Settings(self.config.rootpath, option.contracts_timeout_scale, transcript, claimed, options)

    def _options(self, declared: Sequence[declarations.Declaration]) -> dict[str, Any]:
        known_options = {name: one for each in declared for name, one in suite(each.suite).options.items()}
        given = {name: self.config.getini(name) for name in known_options}
        root = self.config.rootpath
        return {name: imported(known_options[name].load)(text, root) for name, text in given.items() if text}

    def _check_required(self, declared: Sequence[declarations.Declaration]) -> None:
        known_names = {name for one in declared for name in suite(one.suite).capabilities} | WAYS.keys()
        for name in self.config.option.contracts_require:
            if name not in known_names:
                from trueup.rules import nearest_hint

                raise TargetError(f"--contracts-require {name}: no such capability", nearest_hint(name, [*known_names]))

    def _edition(self, declared: Sequence[declarations.Declaration]) -> tuple[int, ...] | None:
        text = self.config.option.contracts_edition
        asked = edition_of(text)
        for name in {one.suite for one in declared}:
            newest = edition_of(suite(name).edition)
            if asked is not None and newest is not None and asked > newest:
                raise TargetError(f"--contracts-edition {text}: the suite {name} is at {suite(name).edition}")
        return asked

    def _known_failures(self) -> list[known.Known]:
        name = self.config.option.contracts_known or self.config.getini("contracts_known_failures")
        if not name:
            return []
        # Of the registry and of all that is declared, not of what this run has chosen among them.
        ids = [one for each in FOLDERS for one in suite(each).requirements]
        in_settings = declarations.parse(self.config.getini("contracts") or ["reference"])
        labels = [one.label for one in (*self.plan.declarations, *in_settings)]
        return known.read(Path(self.config.rootpath, name), ids, labels)

    def pytest_report_header(self) -> str:
        """What is run, with the seed that repeats it."""
        names = ", ".join(
            f"{one.suite} {suite(one.suite).edition} @{one.label} ({one.target})" for one in self.plan.declarations
        )
        option = self.config.option
        return f"contracts: {names}, seed {option.contracts_seed}, profile {option.contracts_profile}"

    def pytest_sessionstart(self) -> None:
        """Keeps hypothesis out of the user's folder."""
        from hypothesis import configuration

        cache = getattr(self.config, "cache", None)  # none with `-p no:cacheprovider`
        if cache is not None:
            folder = str(cache.mkdir("trueup-hypothesis"))
        else:
            self._scratch = tempfile.TemporaryDirectory(prefix="trueup-contracts-")
            folder = self._scratch.name
        configuration.set_hypothesis_home_dir(folder)

    @pytest.hookimpl(tryfirst=True)
    def pytest_make_collect_report(self, collector: pytest.Collector) -> pytest.CollectReport | None:
        """The session collects the contracts: the repository's own tests are neither imported nor run."""
        if not isinstance(collector, pytest.Session):
            return None
        made = Contracts.make(collector, self.plan)
        return pytest.CollectReport(collector.nodeid, "passed", None, [made])

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leaves what the node ids on the command line name."""
        wanted = self.config.option.contracts_select
        if not wanted:
            return
        chosen = [item for item in items if any(_is_under(item.nodeid, one) for one in wanted)]
        left_out = [item for item in items if item not in chosen]
        if not chosen:
            raise pytest.UsageError(f"no test is named {' '.join(wanted)}")
        if left_out:
            self.config.hook.pytest_deselected(items=left_out)
        items[:] = chosen

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        """A test that was not asked for is told apart from one that did not run."""
        for item in items:
            requirement, module = requirement_of(item), item.getparent(SuiteModule)
            if requirement is not None and module is not None:
                module.ledger.add(requirement.id, State.DESELECTED)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """What a suite's tests are given is ours, whatever fixtures of these names a conftest.py may hold."""
        module = item.getparent(SuiteModule)
        if module is not None and isinstance(item, pytest.Function):
            item.funcargs |= fixtures.values(module, self.config)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> None:
        """Tells the implementation which test begins; one that has died too often is given up."""
        module = item.getparent(SuiteModule)
        if module is not None:
            module.subject.begin(item.nodeid)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> None:
        """Tells the implementation that the test is over."""
        module = item.getparent(SuiteModule)
        if module is not None:
            module.subject.done()

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, None]:
        """From an outcome to a state; what does not fail the run is shown and does not."""
        outcome = yield
        made: pytest.TestReport = outcome.get_result()
        requirement, module = requirement_of(item), item.getparent(SuiteModule)
        if requirement is None or module is None:
            return
        state = _state(made, call)
        if state is None:
            return
        # An exception of the implementation's own is its failure; one of the kit, or a death, is nobody's verdict.
        is_theirs = state is State.FAIL or (call.excinfo is not None and call.excinfo.errisinstance(AdapterError))
        entry = known.find(self.known, requirement.id, module.ledger.label)
        if entry is not None and (is_theirs or state is State.PASS):
            state = State.KNOWN if is_theirs else State.UNEXPECTED_PASS
        message = str(call.excinfo.value).partition("\n")[0] if call.excinfo is not None else ""
        module.ledger.add(requirement.id, state, message)
        if made.failed and state is State.NOT_RUN:
            made.outcome = "skipped"
            made.longrepr = (str(item.path), 0, f"Skipped: {message}")
        if made.failed:
            made.sections.append(("contract", _explained(requirement, module)))
            reason = self._why_it_may_fail(requirement, entry)
            if reason is not None and is_theirs:
                made.outcome = "skipped"
                made.wasxfail = reason

    def _why_it_may_fail(self, requirement: Requirement, entry: known.Known | None) -> str | None:
        if entry is not None:
            return f"known failure: {entry.reason}"
        if requirement.provisional:
            return f"{requirement.id} is provisional in this edition"
        if requirement.level == "MAY" or (
            requirement.level == "SHOULD" and self.config.option.contracts_level == "must"
        ):
            return f"{requirement.id} is a {requirement.level}; what fails this run is a MUST"
        return None

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Takes over what an xdist worker has seen."""
        for given in getattr(node, "workeroutput", {}).get("trueup_contracts", []):
            theirs = Ledger(**given)
            ours = self.ledgers.setdefault(theirs.name, dataclasses.replace(theirs, outcomes={}, messages={}))
            for identity, states in theirs.outcomes.items():
                ours.outcomes.setdefault(identity, []).extend(states)
            ours.messages |= theirs.messages

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Sends the ledgers to the controller, or folds them; a lost requirement is an internal error."""
        if self.is_worker:
            output: dict[str, Any] = self.config.workeroutput  # type: ignore[attr-defined]
            output["trueup_contracts"] = [dataclasses.asdict(ledger) for ledger in self.ledgers.values()]
            return
        if self.config.option.collectonly:
            return
        self.finished = session
        try:
            self.results = [
                report.Result(ledger, fold(ledger, suite(ledger.suite))) for ledger in self.ledgers.values()
            ]
        except HoleError as error:
            self.hole: str | None = str(error)
            session.exitstatus = pytest.ExitCode.INTERNAL_ERROR
            return
        self.lacking = _lacking(self.results, self.config.option.contracts_require)
        if self.lacking and exitstatus == 0:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        unexpected = any(State.UNEXPECTED_PASS in result.states.values() for result in self.results)
        if unexpected and self.config.option.contracts_strict_known and exitstatus == 0:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_unconfigure(self) -> None:
        """Ends every process that was started."""
        for subject in self.plan.subjects:
            subject.end()

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """The table, and the reports asked for."""
        hole = getattr(self, "hole", None)
        if hole is not None:
            terminalreporter.write_line(f"contracts: internal error: {hole}", red=True)
            return
        results = getattr(self, "results", [])
        if results:
            terminalreporter.section("contracts")
            terminalreporter.write_line(report.table(results))
            for line in self.lacking:
                terminalreporter.write_line(line, red=True)
            option = self.config.option
            run = report.Run(
                option.contracts_seed, option.contracts_profile, option.contracts_level, option.contracts_edition
            )
            for form, path in self.reports:
                try:
                    Path(path).write_text(report.render(form, results, run), encoding="utf-8")
                except OSError as error:
                    terminalreporter.write_line(f"{path}: the report cannot be written: {error.strerror}", red=True)
                    self.finished.exitstatus = pytest.ExitCode.INTERNAL_ERROR


def _lacking(results: Sequence[report.Result], required: Sequence[str]) -> list[str]:
    """What `--contracts-require` asks for and this run has not shown."""
    lines = []
    for capability in required:
        claiming = [result for result in results if capability in result.ledger.capabilities]
        if not claiming:
            lines.append(f"--contracts-require {capability}: no implementation claims it")
        for result in claiming:
            for one in result.suite.requirements.values():
                if capability in one.needs and result.states[one.id] is State.NOT_RUN:
                    why = result.ledger.messages.get(one.id, "it was not run")
                    lines.append(f"--contracts-require {capability}: {result.ledger.name} {one.id}: {why}")
    return lines


def _state(made: pytest.TestReport, call: pytest.CallInfo[None]) -> State | None:
    if made.when == "call":
        if call.excinfo is not None and call.excinfo.errisinstance(NotRunError):
            return State.NOT_RUN
        if made.failed:
            # Anything else is no verdict: the adapter failed, or the suite itself.
            is_verdict = call.excinfo is not None and call.excinfo.errisinstance((AssertionError, Refusal))
            return State.FAIL if is_verdict else State.ERROR
        return State.PASS if made.passed else State.NOT_RUN
    if made.failed:
        return State.ERROR
    return State.NOT_RUN if made.skipped else None


def _explained(requirement: Requirement, module: SuiteModule) -> str:
    log = visible_lines(module.subject.log())
    lines = [
        f"{requirement.id} ({requirement.level}): {requirement.statement}",
        f"why: {requirement.why}",
        "",
        "to repeat it:",
        *("    " + line for line in module.subject.snippet().splitlines()),
        *(["", f"{module.subject.log_name}, its last lines:", *("    " + line for line in log)] if log else []),
    ]
    return "\n".join(lines)


def visible_lines(log: str) -> list[str]:
    """A log's lines, with what could act on a terminal spelt out."""
    from trueup.reports.escape import visible

    return [visible(line) for line in log.strip().splitlines()]


def _is_under(node_id: str, wanted: str) -> bool:
    return node_id == wanted or node_id.startswith((wanted + "::", wanted + "["))
