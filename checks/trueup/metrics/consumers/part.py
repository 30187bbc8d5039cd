"""The part of the check `metrics` that reads what uses metrics: dashboards, rules, autoscalers, docs, code."""

from __future__ import annotations

from collections.abc import Callable

from trueup.checks import Options, Outcome
from trueup.config import Config
from trueup.findings import CheckSummary
from trueup.metrics.consumers.search import Search
from trueup.metrics.policy import PolicySet
from trueup.repo import View


def start(view: View, config: Config, options: Options, policies: PolicySet) -> Callable[[], Outcome]:
    """Starts the search for files that use metrics; the answer reads and judges them."""
    search = Search(view, config, options, policies)

    def finish() -> Outcome:
        if search.finds_nothing:
            return Outcome([], {}, {}, [], CheckSummary("metrics", {"expressions": 0, "documents": 0}))
        # Most repositories use no metrics: their runs do not pay for what judges it.
        from trueup.metrics.consumers.judging import judged

        return judged(view, config, options, policies, search)

    return finish
