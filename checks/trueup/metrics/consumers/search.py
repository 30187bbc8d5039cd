"""Which files may use metrics, asked of Git before anything is read; kept light, since most repositories have none."""

from __future__ import annotations

import functools

from trueup.checks import Options
from trueup.config import Config
from trueup.metrics.policy import PolicySet
from trueup.repo import View

# What a data file with queries holds somewhere.
SIGNS = ("expr:", '"expr"', "seriesQuery", "metricsQuery", "serverAddress", "metric:", "__name__", '"query"')
DATA_ENDINGS = (".json", ".yaml", ".yml")
DOCS_ENDINGS = (".md", ".markdown", ".mdx")


class Search:
    """Starts at once; `data` and `docs` wait for the answers."""

    def __init__(self, view: View, config: Config, options: Options, policies: PolicySet) -> None:
        self._view = view
        self._has_code = bool(config.metrics.code)
        rules = policies.prefixes
        self.prefixes = sorted({*(one.prefix for one in rules), *(bad for one in rules for bad in one.instead_of)})
        self._data = view.start_search(SIGNS, DATA_ENDINGS)
        self._docs = view.start_search((*self.prefixes, "```promql", "~~~promql"), DOCS_ENDINGS)
        self._named = [path for path in options.paths if path in view.named]

    @functools.cached_property
    def data(self) -> list[str]:
        """Tracked JSON and YAML files that hold a sign of a query."""
        return self._data()

    @functools.cached_property
    def docs(self) -> list[str]:
        """Tracked documents that hold a prefix of the policies, or a block of PromQL."""
        return self._docs()

    @property
    def named(self) -> list[str]:
        """Untracked files that were asked for."""
        return self._named

    @property
    def finds_nothing(self) -> bool:
        """Whether no file needs to be read."""
        return not (self.data or self.docs or self._named or self._has_code)
