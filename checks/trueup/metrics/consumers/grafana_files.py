"""Dashboards in JSON texts: read fast, and places found for what is told of."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from trueup.datafiles import JsonPlaces, duplicate_keys, inner_offset
from trueup.metrics.consumers.grafana import KEYS, Dashboard, Path, Query, dashboards_in, read_dashboard
from trueup.metrics.consumers.model import Contents, Expression, Trouble

_MOST_DUPLICATES = 50


def looks_like_dashboard(text: str) -> bool:
    """Whether a text that may be no JSON at all was meant as a dashboard."""
    return ('"panels"' in text or '"elements"' in text or '"rows"' in text) and ('"expr"' in text or '"query"' in text)


def read_json(text: str, place: Callable[[int], int], where: str = "", *, sure: bool = False) -> Contents:
    """The queries of a JSON text whose offsets `place` turns into the file's. `sure`: it was meant as a dashboard."""
    contents = Contents([], [], [], [])
    doubled: list[str] = []

    def as_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(pairs)
        if len(value) < len(pairs):
            doubled.append("")
        return value

    try:
        root = json.loads(text, object_pairs_hook=as_object)
    except RecursionError:
        contents.troubles.append(Trouble("unreadable-consumer", where, place(0), "it is nested too deeply"))
        return contents
    except ValueError as error:
        if sure or looks_like_dashboard(text):
            if "{{" in text and "`" in text:
                contents.notes.append("not checked: it is no JSON before it is filled in")
                return contents
            offset = error.pos if isinstance(error, json.JSONDecodeError) else 0
            message = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
            told = f"not JSON: {message[:1].lower()}{message[1:]}"
            contents.troubles.append(Trouble("unreadable-consumer", where, place(offset), told))
        return contents
    found = list(dashboards_in(root))
    if found and doubled:
        for key, offset in duplicate_keys(text)[:_MOST_DUPLICATES]:
            told = f"the key {key[:80]!r} stands in this object a second time"
            contents.troubles.append(Trouble("duplicate-key", where, place(offset), told))
    places = JsonPlaces(text, KEYS)
    for path, value in found:
        dashboard = read_dashboard(value, path)
        if dashboard.is_cut:
            contents.notes.append("nested too deeply: the innermost of it was not checked")
        for query in dashboard.queries:
            contents.expressions.append(_expression(query, dashboard, places, text, place, where))
    return contents


def _expression(
    query: Query, dashboard: Dashboard, places: JsonPlaces, text: str, place: Callable[[int], int], where: str
) -> Expression:
    def located(offset: int) -> int:
        found = places.of(query.path)
        if found is None:
            return place(0)
        return place(found[0] + inner_offset(text[found[0] : found[1]], query.part.offset + offset))

    return Expression(
        query.part.text,
        where + _pointer(query.path),
        f"panel {query.title!r}" if query.title and not query.title.startswith("variable ") else query.title,
        located,
        "metricsql" if query.is_metricsql else "promql",
        dashboard.constants,
    )


def _pointer(path: Path) -> str:
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in path)
