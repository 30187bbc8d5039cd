"""The queries of a Grafana dashboard: panels, rows, variables, annotations, alerts; schema v1 and v2, and Perses.

A dashboard is walked as a tree of plain values. An expression counts unless its data source is known to be another
program than Prometheus.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from trueup.metrics.consumers.template_queries import Part, parts_of

Path = tuple[str | int, ...]

# The keys of strings that may be told of.
KEYS = ("expr", "query", "definition", "seriesQuery")
_DASHBOARD_KEYS = frozenset({"panels", "rows", "elements"})
_COMPANY = frozenset(
    {
        "schemaVersion",
        "templating",
        "title",
        "annotations",
        "__inputs",
        "uid",
        "timezone",
        "time",
        "layout",
        "variables",
    }
)
_PROMETHEUS = ("prometheus", "victoriametrics", "mimir", "cortex", "thanos")
_OTHERS = (
    "loki", "tempo", "jaeger", "elastic", "opensearch", "influx", "graphite", "cloudwatch", "stackdriver", "mysql",
    "postgres", "mssql", "clickhouse", "azure", "__expr__", "testdata", "pyroscope", "zipkin", "bigquery",
)  # fmt: skip
# What hangs on every panel, is large, and holds no query.
_NO_QUERIES = frozenset({"fieldConfig", "gridPos", "options", "transformations", "legend", "tooltip", "xaxis", "yaxes"})
_DEEPEST = 200


class Query(NamedTuple):
    """A query as it was found: the path of its string, its panel's title, and the part of the string that is one."""

    path: Path
    title: str
    part: Part
    is_metricsql: bool


class Dashboard(NamedTuple):
    """All queries of a dashboard, and the values of its constants, by name."""

    queries: list[Query]
    constants: Mapping[str, tuple[str, ...]]
    is_cut: bool  # it is nested too deeply to be read to its end


class _Place(NamedTuple):
    value: Any
    path: Path
    title: str
    source: Any  # the data source that holds here
    is_variable: bool


def is_dashboard(value: Any) -> bool:
    """Whether a value has the shape of a dashboard."""
    if not isinstance(value, dict) or not value.keys() & _DASHBOARD_KEYS:
        return False
    holds = any(isinstance(value[key], (list, dict)) for key in value.keys() & _DASHBOARD_KEYS)
    return holds and bool(value.keys() & _COMPANY)


def dashboards_in(value: Any, path: Path = ()) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Dashboards in a value: itself, or wrapped as APIs and operators do."""
    if is_dashboard(value):
        yield path, value
    elif isinstance(value, dict) and len(path) < 4:
        for key, inner in value.items():
            if isinstance(inner, (dict, list)):
                yield from dashboards_in(inner, (*path, key))
    elif isinstance(value, list) and len(path) < 4:
        for index, inner in enumerate(value[:1000]):
            if isinstance(inner, dict):
                yield from dashboards_in(inner, (*path, index))


def read_dashboard(root: dict[str, Any], path: Path = ()) -> Dashboard:
    """The queries of a dashboard that stands at `path`."""
    sources = _Sources(root)
    queries: list[Query] = []
    is_cut = False
    stack = [_Place(root, path, "", None, False)]
    while stack:
        place = stack.pop()
        value = place.value
        if len(place.path) >= _DEEPEST:
            is_cut = True
        elif isinstance(value, list):
            stack += [
                place._replace(value=item, path=(*place.path, index))
                for index, item in reversed(list(enumerate(value)))
                if isinstance(item, (dict, list))
            ]
        elif isinstance(value, dict):
            title = value.get("title")
            if isinstance(title, str) and title and value is not root:
                place = place._replace(title=title)
            elif isinstance(value.get("alert"), str) and not place.title:
                place = place._replace(title=str(value["alert"]))
            source = _source_of(value)
            if source is not None:
                place = place._replace(source=source)
            found = list(_queries_at(place, sources))
            queries += found
            if found and place.is_variable:
                place = place._replace(is_variable=False)  # what lies deeper is this query's own
            stack += [
                place._replace(value=inner, path=(*place.path, key), is_variable=_holds_variables(key, inner, place))
                for key, inner in reversed(value.items())
                if isinstance(inner, (dict, list)) and key not in _NO_QUERIES
            ]
    return Dashboard(queries, sources.constants, is_cut)


def _holds_variables(key: str, inner: Any, place: _Place) -> bool:
    if key == "list" and place.path[-1:] == ("templating",):
        return True
    if key == "variables" and isinstance(inner, list):
        return True
    return place.is_variable


def _source_of(value: dict[str, Any]) -> Any:
    if "datasource" in value and value["datasource"] is not None:
        return value["datasource"]
    if isinstance(value.get("group"), str) and value.get("kind") == "DataQuery":
        return value["group"]
    kind = value.get("kind")
    # Schema v2 before it had groups, and Perses.
    if (
        isinstance(kind, str)
        and isinstance(value.get("spec"), dict)
        and kind.lower().startswith((*_PROMETHEUS, *_OTHERS))
    ):
        return kind
    return None


def _queries_at(place: _Place, sources: _Sources) -> Iterator[Query]:
    value = place.value
    if place.is_variable:
        yield from _variable_queries(place, sources)
        return
    text = value.get("expr")
    key = "expr"
    if not isinstance(text, str) and isinstance(place.source, str) and place.source.startswith("PrometheusTimeSeries"):
        text, key = value.get("query"), "query"
    if isinstance(text, str) and text.strip():
        kind = sources.kind(place.source)
        if kind != "other":
            yield Query((*place.path, key), place.title, Part(text, 0, False), kind == "metricsql")


def _variable_queries(place: _Place, sources: _Sources) -> Iterator[Query]:
    value = place.value
    kind = sources.kind(place.source)
    if kind == "other" or value.get("type", "query") != "query":
        return
    name = value.get("name")
    title = f"variable {name}" if isinstance(name, str) else place.title or "variable"
    query, path = value.get("query"), (*place.path, "query")
    if isinstance(query, dict) and isinstance(query.get("query"), str):
        query, path = query["query"], (*path, "query")
    if not isinstance(query, str) or not query:
        query, path = value.get("definition"), (*place.path, "definition")
    if isinstance(query, str) and query.strip():
        for part in parts_of(query):
            yield Query(path, title, part, kind == "metricsql")


class _Sources:
    """What the names and variables of data sources stand for, and the constants, of one dashboard."""

    def __init__(self, root: dict[str, Any]) -> None:
        self._kinds: dict[str, str] = {}
        self.constants: dict[str, tuple[str, ...]] = {}
        for one in _dicts(root.get("__inputs")):
            name, plugin = one.get("name"), one.get("pluginId")
            if isinstance(name, str) and isinstance(plugin, str):
                self._kinds[name] = plugin
        templating = root.get("templating")
        for one in _dicts(templating.get("list") if isinstance(templating, dict) else None):
            self._variable(one)

    def _variable(self, one: dict[str, Any]) -> None:
        name, kind, query = one.get("name"), one.get("type"), one.get("query")
        if not isinstance(name, str) or not isinstance(query, str):
            return
        if kind == "datasource":
            self._kinds[name] = query
        elif kind == "constant":
            self.constants[name] = (query,)
        elif kind == "custom" and not one.get("allValue"):
            values = [part.rpartition(" : ")[2].strip() for part in query.split(",")]
            self.constants[name] = tuple(part for part in values if part)[:50]

    def kind(self, source: Any) -> str:
        """`promql`, `metricsql`, or `other` for what is known to be no Prometheus."""
        named = source.get("type") or source.get("uid") if isinstance(source, dict) else source
        text = named or ""
        if not isinstance(text, str):
            return "promql"
        name = text.removeprefix("$").strip("{}[]").partition(":")[0]
        text = self._kinds.get(name, text).lower()
        if isinstance(source, dict) and not source.get("type") and name not in self._kinds and "__expr__" not in text:
            return "promql"  # an id says nothing
        if "victoria" in text and "log" not in text:
            return "metricsql"
        if any(word in text for word in _PROMETHEUS):
            return "promql"
        return (
            "other"
            if any(word in text for word in _OTHERS) or (isinstance(source, dict) and source.get("type"))
            else "promql"
        )


def _dicts(value: Any) -> Iterator[dict[str, Any]]:
    return (one for one in (value if isinstance(value, list) else []) if isinstance(one, dict))
