"""Queries in YAML: Prometheus rules, Kubernetes resources, adapters, autoscalers; dashboards inside ConfigMaps."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from trueup.datafiles import Mapping, NotYaml, Scalar, Sequence, YamlNode, documents_of, placer
from trueup.metrics.consumers import templates
from trueup.metrics.consumers.grafana_files import looks_like_dashboard, read_json
from trueup.metrics.consumers.model import Contents, Expression, Form, Trouble

_INNER_SIGNS = ("expr:", "seriesQuery", "metricsQuery", "__name__")
_HPA_KINDS = frozenset({"pods", "external", "object"})
_GROUP = re.compile(r"\$(?:\d+|\{\w+\}|\w+)|<<[^<>]*>>")
_OTHER_SOURCES = ("loki", "tempo", "elastic", "__expr__", "influx", "graphite", "cloudwatch", "sql")
_LEAST_LITERAL = 3  # letters that a pattern of defined names has to have


class _Visit(NamedTuple):
    node: YamlNode
    path: tuple[str, ...]


class _Reader:
    """Reads one text; a scalar of it may hold a whole text of its own, `level` 1."""

    def __init__(self, text: str, place: Callable[[int], int], base: tuple[str, ...], level: int) -> None:
        self.contents = Contents([], [], [], [])
        self._text = text
        self._place = place
        self._base = base
        self._level = level

    def read(self) -> Contents:
        """What the text holds. Raises `NotYaml`, unless filling its templates in would make it YAML."""
        try:
            documents = list(documents_of(self._text))
        except NotYaml:
            if "{{" not in self._text:
                raise
            self._text = templates.hidden(self._text)
            documents = list(documents_of(self._text))
        seen: set[int] = set()
        stack = [_Visit(one, self._base) for one in reversed(documents)]
        while stack:
            node, path = stack.pop()
            if isinstance(node, Scalar):
                self._scalar(node, path)
                continue
            if id(node) in seen:
                continue
            seen.add(id(node))
            if isinstance(node, Sequence):
                stack += [_Visit(item, (*path, str(at))) for at, item in reversed(list(enumerate(node.items)))]
            else:
                self._mapping(node, path)
                stack += [
                    _Visit(value, (*path, templates.shown(key.value) if isinstance(key, Scalar) else "?"))
                    for key, value in reversed(node.items)
                ]
        return self.contents

    def _add(self, node: YamlNode | None, path: tuple[str, ...], title: str, form: Form = "promql") -> None:
        if isinstance(node, Scalar) and node.value.strip():
            inner = placer(self._text, node)
            place = self._place
            self.contents.expressions.append(
                Expression(
                    templates.shown(node.value), _pointer(path), title, lambda offset: place(inner(offset)), form
                )
            )

    def _mapping(self, node: Mapping, path: tuple[str, ...]) -> None:
        keys = {key.value for key, _ in node.items if isinstance(key, Scalar)}
        if "expr" in keys:
            self._rule(node, path, keys)
        if "seriesQuery" in keys:
            self._adapter(node, path)
        if "metricsQuery" in keys:
            self._add(node.get("metricsQuery"), (*path, "metricsQuery"), "adapter rule", "template")
        metadata = node.get("metadata")
        if node.text("type") == "prometheus" and isinstance(metadata, Mapping):
            self._add(metadata.get("query"), (*path, "metadata", "query"), "KEDA trigger")
        for kind in _HPA_KINDS & keys:
            source = node.get(kind)
            metric = source.get("metric") if isinstance(source, Mapping) else None
            if isinstance(metric, Mapping):
                self._add(metric.get("name"), (*path, kind, "metric", "name"), "autoscaler metric", "name")
        if "__name__" in (node.text("target_label"), node.text("targetLabel")):
            self._define(node.text("replacement"))

    def _rule(self, node: Mapping, path: tuple[str, ...], keys: set[str]) -> None:
        record, alert = node.text("record"), node.text("alert")
        title = ""
        if record is not None:
            title = f"recording rule {templates.shown(record)}"
            self._define(record)
        elif alert is not None:
            title = f"alert {templates.shown(alert)}"
        elif not keys & {"refId", "datasource", "editorMode", "legendFormat"} or _is_foreign(node):
            return
        self._add(node.get("expr"), (*path, "expr"), title)

    def _adapter(self, node: Mapping, path: tuple[str, ...]) -> None:
        self._add(node.get("seriesQuery"), (*path, "seriesQuery"), "adapter rule")
        name = node.get("name")
        if isinstance(name, Mapping):
            self._define(name.text("as"))

    def _define(self, name: str | None) -> None:
        if name is None:
            return
        pattern = re.sub(r"\*+", "*", _GROUP.sub("*", re.sub(r"\{\{[^{}]*\}\}", "*", templates.shown(name))))
        if len(pattern.replace("*", "")) >= _LEAST_LITERAL:
            self.contents.defined.append(pattern)

    def _scalar(self, node: Scalar, path: tuple[str, ...]) -> None:
        """What a scalar's own text holds."""
        value = node.value
        if len(value) < 10:
            return
        inner = placer(self._text, node)
        place = self._place

        def outer(offset: int) -> int:
            return place(inner(offset))

        if value.lstrip().startswith(("{", "[")):
            if looks_like_dashboard(value):
                self._take(read_json(templates.shown(value), outer, "".join(f"/{part}" for part in path), sure=True))
        elif self._level == 0 and "\n" in value and any(sign in value for sign in _INNER_SIGNS):
            try:
                self._take(_Reader(value, outer, path, 1).read())
            except NotYaml:
                return  # some other text that mentions one

    def _take(self, other: Contents) -> None:
        self.contents.expressions.extend(other.expressions)
        self.contents.defined.extend(other.defined)
        self.contents.troubles.extend(other.troubles)
        self.contents.notes.extend(other.notes)


def read_yaml(text: str) -> Contents:
    """What a YAML file holds."""
    try:
        return _Reader(text, lambda offset: offset, (), 0).read()
    except NotYaml as error:
        if "{{" in text:
            return Contents([], [], [], [f"not checked: it is no YAML before it is filled in: {error.message}"])
        return Contents([], [], [Trouble("unreadable-consumer", "", error.offset, f"not YAML: {error.message}")], [])


def _is_foreign(node: Mapping) -> bool:
    source = node.get("datasource")
    words: Iterator[str | None] = iter((node.text("datasource"),))
    if isinstance(source, Mapping):
        words = iter((source.text("type"), source.text("uid")))
    return any(word is not None and any(other in word.lower() for other in _OTHER_SOURCES) for word in words)


def _pointer(path: tuple[str, ...]) -> str:
    return "".join(f"/{part.replace('~', '~0').replace('/', '~1')}" for part in path)
