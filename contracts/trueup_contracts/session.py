"""One run with `--contracts`: declarations, collection, outcomes, and the result at its end."""

from __future__ import annotations

import dataclasses
import random
import tempfile
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

import pytest

from trueup_contracts import declarations, known, report
from trueup_contracts.collecting import Contracts, SuiteModule, requirement_of
from trueup_contracts.errors import Refusal, TargetError
from trueup_contracts.registry import Requirement, suite
from trueup_contracts.states import HoleError, Ledger, State, fold


class ContractsSession:
    """The plugin of one run. Under xdist every worker has one, and the controller puts their ledgers together."""

    def __init__(self, config: pytest.Config) -> None:
        """Reads the declarations; a `pytest.UsageError` (exit code 4) says what is wrong with them."""
        self.config = config
        self.ledgers: dict[str, Ledger] = {}
        self.is_worker = hasattr(config, "workerinput")
        option = config.option
        if option.contracts_seed is None:
            option.contracts_seed = random.SystemRandom().randrange(2**32)
        self._take_node_ids()
        try:
            self.declarations = declarations.parse(option.contracts_impl or config.getini("contracts"))
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

    def _known_failures(self) -> list[known.Known]:
        name = self.config.option.contracts_known or self.config.getini("contracts_known_failures")
        if not name:
            return []
        ids = [one for declared in self.declarations for one in suite(declared.suite).requirements]
        return known.read(Path(self.config.rootpath, name), ids)

    def pytest_report_header(self) -> str:
        """What is run, with the seed that repeats it."""
        names = ", ".join(
            f"{one.suite} {suite(one.suite).edition} @{one.label} ({one.target})" for one in self.declarations
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
        made = Contracts.make(collector, self.declarations, self.ledgers)
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
        entry = known.find(self.known, requirement.id, module.ledger.label)
        if entry is not None and state in (State.FAIL, State.PASS):
            state = State.KNOWN if state is State.FAIL else State.UNEXPECTED_PASS
        message = str(call.excinfo.value).partition("\n")[0] if call.excinfo is not None else ""
        module.ledger.add(requirement.id, state, message)
        if made.failed:
            made.sections.append(("contract", _explained(requirement, module)))
            reason = self._why_it_may_fail(requirement, entry)
            if reason is not None and state is not State.ERROR:
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
        try:
            self.results = [
                report.Result(ledger, fold(ledger, suite(ledger.suite))) for ledger in self.ledgers.values()
            ]
        except HoleError as error:
            self.hole: str | None = str(error)
            session.exitstatus = pytest.ExitCode.INTERNAL_ERROR
            return
        unexpected = any(State.UNEXPECTED_PASS in result.states.values() for result in self.results)
        if unexpected and self.config.option.contracts_strict_known and exitstatus == 0:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

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
            option = self.config.option
            run = report.Run(option.contracts_seed, option.contracts_profile, option.contracts_level)
            for form, path in self.reports:
                Path(path).write_text(report.render(form, results, run), encoding="utf-8")


def _state(made: pytest.TestReport, call: pytest.CallInfo[None]) -> State | None:
    if made.when == "call":
        if made.failed:
            # Anything else is no verdict: the adapter failed, or the suite itself.
            is_verdict = call.excinfo is not None and call.excinfo.errisinstance((AssertionError, Refusal))
            return State.FAIL if is_verdict else State.ERROR
        return State.PASS if made.passed else State.NOT_RUN
    if made.failed:
        return State.ERROR
    return State.NOT_RUN if made.skipped else None


def _explained(requirement: Requirement, module: SuiteModule) -> str:
    lines = [
        f"{requirement.id} ({requirement.level}): {requirement.statement}",
        f"why: {requirement.why}",
        "",
        "to repeat it:",
        *("    " + line for line in module.subject.snippet().splitlines()),
    ]
    return "\n".join(lines)


def _is_under(node_id: str, wanted: str) -> bool:
    return node_id == wanted or node_id.startswith((wanted + "::", wanted + "["))
