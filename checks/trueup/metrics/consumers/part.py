"""The part of the check `metrics` that reads what consumes metrics, wherever it lies in the repository."""

from __future__ import annotations

from collections.abc import Callable

from trueup.checks import Options, Outcome
from trueup.config import Config, PathMatcher
from trueup.datafiles import Text
from trueup.findings import CheckSummary, Finding, Note
from trueup.metrics.consumers.grafana_files import read_json
from trueup.metrics.consumers.judge import Judge
from trueup.metrics.consumers.manifests import SIGNS, read_yaml
from trueup.metrics.consumers.model import Contents
from trueup.metrics.consumers.own_names import made_here
from trueup.metrics.consumers.telling import Teller, unreadable
from trueup.metrics.policy import PolicySet
from trueup.repo import Unreadable, View

ENDINGS = (".json", ".yaml", ".yml")
LARGEST_FILE_BYTES = 16 << 20
# What a metric of the repository's own can be taken for.
_OF_NAMES = frozenset({"unknown-metric", "deprecated-metric", "wrong-prefix", "impossible-series"})


def start(view: View, config: Config, options: Options, policies: PolicySet) -> Callable[[], Outcome]:
    """Starts the search for files with queries; the answer reads and judges them."""
    listing = view.start_search(SIGNS, ENDINGS)

    def finish() -> Outcome:
        excluded = PathMatcher([*config.metrics.exclude])
        found = [path for path in listing() if not excluded.matches(path)]
        named = [path for path in options.paths if path in view.named and path.lower().endswith(ENDINGS)]
        return _outcome(view, config, options, policies, list(dict.fromkeys([*found, *named])))

    return finish


def _is_wanted(path: str, options: Options) -> bool:
    names = options.paths
    return not names or any(path == name or not name or path.startswith(name + "/") for name in names)


def _outcome(view: View, config: Config, options: Options, policies: PolicySet, paths: list[str]) -> Outcome:
    findings: list[Finding] = []
    notes: list[Note] = []
    read: dict[str, tuple[Text, Contents]] = {}
    defined: list[str] = []
    for path in paths:
        try:
            text = Text(view.read(path, LARGEST_FILE_BYTES))
        except Unreadable as error:
            if _is_wanted(path, options) and not view.is_gone(path):
                findings.append(unreadable(path, error))
            continue
        contents = contents_of(path, text)
        defined += contents.defined  # of all files: what one makes, another may ask for
        if _is_wanted(path, options) and (contents.expressions or contents.troubles or contents.notes):
            read[path] = (text, contents)
    stored = policies.stored_by(config.metrics.scraper)
    judge = Judge(stored, defined, extra_labels=config.metrics.extra_labels)
    judged = {path: [(one, judge.judge(one)) for one in contents.expressions] for path, (_, contents) in read.items()}
    unknown = (
        fault.target for found in judged.values() for _, one in found for fault in one.faults if fault.rule in _OF_NAMES
    )
    own = made_here(view, unknown)
    for path, (text, contents) in read.items():
        teller = Teller(path, text)
        for trouble in contents.troubles:
            teller.trouble(trouble)
        notes += [Note("metrics", note, path) for note in contents.notes]
        for expression, judgement in judged[path]:
            for fault in judgement.faults:
                if fault.rule not in _OF_NAMES or fault.target not in own:
                    teller.fault(expression, fault)
            if judgement.excuse is not None:
                notes.append(Note("metrics", f"{expression.where}: not parsed: {judgement.excuse}", path))
        findings += teller.findings
    counts = {"expressions": sum(len(found) for found in judged.values())}
    return Outcome(findings, {}, {}, notes, CheckSummary("metrics", counts))


def contents_of(path: str, text: Text) -> Contents:
    """What a file holds, by its ending."""
    if path.lower().endswith(".json"):
        return read_json(text.text, lambda offset: offset)
    return read_yaml(text.text)
