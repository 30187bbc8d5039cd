"""The check `metrics`: its parts one after the other, each a check of its own kind of file.

A part is a module with `start(view, config, options, policies)` like a check's, which answers with what finishes it.
Other parts (dashboards, rules, docs) are added to `PARTS`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import cast

from trueup.checks import Options, Outcome
from trueup.config import Config
from trueup.findings import CheckSummary
from trueup.metrics.policy import PolicySet, load_policies
from trueup.repo import View

Part = Callable[[View, Config, Options, PolicySet], Callable[[], Outcome]]

PARTS = {"expositions": "trueup.metrics.exposition.part", "consumers": "trueup.metrics.consumers.part"}


def start(view: View, config: Config, options: Options) -> Callable[[], Outcome]:
    """Starts every part; the answer finishes them and adds up what they found."""
    policies = load_policies(config.metrics, view.root, options.policies)
    # Expositions that lie in no repository concern the first part alone.
    chosen = ("expositions",) if options.inputs else options.parts or tuple(PARTS)
    names = [PARTS[name] for name in chosen]
    begun = [cast("Part", importlib.import_module(name).start)(view, config, options, policies) for name in names]

    def finish() -> Outcome:
        outcomes = [one() for one in begun]
        counts: dict[str, int] = {}
        for outcome in outcomes:
            for thing, number in outcome.summary.counts.items():
                counts[thing] = counts.get(thing, 0) + number
        return Outcome(
            findings=[finding for outcome in outcomes for finding in outcome.findings],
            comments={path: found for outcome in outcomes for path, found in outcome.comments.items()},
            same_file={path: shown for outcome in outcomes for path, shown in outcome.same_file.items()},
            notes=[note for outcome in outcomes for note in outcome.notes],
            summary=CheckSummary("metrics", counts),
        )

    return finish
