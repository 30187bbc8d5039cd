"""The doctor's words: what each scraper stores, why, and the cures."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from trueup.metrics.doctor.asking import Names, Reply
from trueup.metrics.doctor.comparing import Diagnosis, Group
from trueup.metrics.doctor.scrapers import scrapers
from trueup.reports.escape import visible

# What all the versions of one scraper are called together.
_TOGETHER = {
    "prometheus-2": "Prometheus 2.x",
    "prometheus-2-text": "Prometheus with scrape_protocols: [PrometheusText0.0.4]",
    "prometheus-3": "Prometheus 3.x",
    "prometheus-3-legacy": "Prometheus 3.x with legacy names",
    "prometheus-3-protobuf": "Prometheus 3.x with native histograms",
}
_ONLY_VERBOSE = ("prometheus-2-text", "prometheus-3-protobuf")
_RANGE = re.compile(r"Prometheus (\S+) to (\S+)")
_MOST = 8


def tell(name: str, diagnosis: Diagnosis, *, verbose: bool = False) -> str:
    """The whole report of an endpoint."""
    lines = list(_lines(name, diagnosis, verbose=verbose))
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _lines(name: str, diagnosis: Diagnosis, *, verbose: bool) -> Iterator[str]:
    shown = visible(name)
    if not diagnosis.groups:
        yield f"{shown}: no scraper gets an exposition"
        yield from _failed(diagnosis)
        return
    if len(diagnosis.groups) == 1:
        names = diagnosis.groups[0].names.normal
        yield f"{shown}: every scraper stores the same {len(names)} series {'name' if len(names) == 1 else 'names'}"
        if verbose:
            yield from _asked(diagnosis.groups[0], "  ", verbose=True)
    else:
        yield f"{shown}: the names depend on who asks"
        for group in diagnosis.groups:
            yield ""
            yield f"  {_headline(group, diagnosis)}"
            yield from _asked(group, "    ", verbose=verbose)
    if diagnosis.renamed:
        yield ""
        yield from _why(diagnosis)
        yield ""
        yield from _cures(diagnosis)
    yield from _others(diagnosis)
    yield from _failed(diagnosis)
    if verbose and diagnosis.rewriting:
        yield ""
        yield "  rewritten by design, where the configuration asks for it:"
        for group in diagnosis.rewriting:
            for reply in group.replies:
                yield f"    {reply.scraper.title}: {_example(group.names, [])}"


def _headline(group: Group, diagnosis: Diagnosis) -> str:
    names = group.names.normal
    mine = [name for pair in diagnosis.renamed.items() for name in pair if name in names]
    example = visible(_example(group.names, mine))
    rest = len(mine) - 1
    tail = f"  and {rest} more like it" if rest > 0 else ""
    split = "  (HELP and TYPE lines keep the colon)" if group in diagnosis.split else ""
    return example + tail + split


def _example(names: Names, preferred: list[str]) -> str:
    pool = preferred or [one for one in names.series if not one.startswith(("python_", "process_"))]
    return _plainest(pool or list(names.series))


def _plainest(names: list[str]) -> str:
    """A name that is not a part of a histogram, if there is one."""
    whole = [one for one in names if not one.endswith(("_bucket", "_sum", "_count", "_created"))]
    return next(iter(whole or names), "no series")


def _asked(group: Group, indent: str, *, verbose: bool) -> Iterator[str]:
    rows: dict[str, list[str]] = {}
    for reply in group.replies:
        rows.setdefault(visible(reply.format), []).append(reply.scraper.title)
    for form, titles in rows.items():
        for number, title in enumerate(titles if verbose else [", ".join(_together(group, form))]):
            yield f"{indent}{form if not number else '':<32}  {title}"


def _together(group: Group, form: str) -> list[str]:
    """The scrapers of a row: all versions of one as one, neighbouring versions as a range."""
    told: list[str] = []
    for reply in group.replies:
        id = reply.scraper.id
        if visible(reply.format) != form or id in _ONLY_VERBOSE:
            continue
        all_here = sum(one.id == id for one in scrapers()) == sum(one.scraper.id == id for one in group.replies)
        title = _TOGETHER.get(id, reply.scraper.title) if all_here else reply.scraper.title
        before = _RANGE.fullmatch(told[-1]) if told else None
        this = _RANGE.fullmatch(title)
        if before and this:
            told[-1] = f"Prometheus {before[1]} to {this[2]}"
        elif title not in told:
            told.append(title)
    return told


def _why(diagnosis: Diagnosis) -> Iterator[str]:
    prefixes = _prefixes(diagnosis)
    colon = prefixes[0] if prefixes else ":"
    yield "why: whoever asks for OpenMetrics without escaping=allow-utf-8 gets _ in place of the colon. So Python's"
    yield "  prometheus-client answers from 0.23 on (client_python #1177). curl asks for text, and sees the colon."
    yield f"  Dashboards with {colon} are right for some scrapers, empty for others; so are those with {colon[:-1]}_."


def _prefixes(diagnosis: Diagnosis) -> list[str]:
    return sorted({name[: name.index(":") + 1] for name in diagnosis.renamed})


def _cures(diagnosis: Diagnosis) -> Iterator[str]:
    colon = _prefixes(diagnosis)
    escaped = "|".join(one.rstrip(":") for one in colon)
    yield f"cures (one is enough; then all store {visible(_plainest(list(diagnosis.renamed)))}):"
    if _text_has_colons(diagnosis):
        yield "  Prometheus 2.49 and later   scrape_protocols: [PrometheusText0.0.4]   (asked here: it works)"
    yield "  Prometheus 3.4 and later    metric_name_escaping_scheme: allow-utf-8   (its default, without legacy names)"
    yield "  any Prometheus              metric_relabel_configs:"
    yield "                              - source_labels: [__name__]"
    group = f"({escaped})" if len(colon) > 1 else escaped
    first, second = ("$1", "$2") if len(colon) > 1 else (escaped, "$1")
    yield f"                                regex: '{group}_(.+)'"
    yield "                                target_label: __name__"
    yield f"                                replacement: '{first}:{second}'"
    yield "  the exporter                prometheus-client below 0.23"
    yield "or keep the names, and say whose they are: trueup metrics --scraper prometheus-2"


def _text_has_colons(diagnosis: Diagnosis) -> bool:
    return any(
        reply.scraper.id == "prometheus-2-text"
        and reply.names is not None
        and all(name in reply.names.series for name in diagnosis.renamed)
        for group in diagnosis.groups
        for reply in group.replies
    )


def _others(diagnosis: Diagnosis) -> Iterator[str]:
    if diagnosis.only_some:
        count = len(diagnosis.only_some)
        noun = "series name is" if count == 1 else "series names are"
        yield ""
        yield f"{count} {noun} given to some only (or appeared between two questions):"
        for name, titles in list(diagnosis.only_some.items())[:_MOST]:
            yield f"  {visible(name)}: {', '.join(titles)}"
        if count > _MOST:
            yield f"  and {count - _MOST} more"
    contradicted: dict[str, list[Reply]] = {}
    for reply in diagnosis.wrong_type:
        kind = reply.answer.content_type if reply.answer is not None else ""
        contradicted.setdefault(kind, []).append(reply)
    for kind, replies in contradicted.items():
        yield ""
        yield f"the body is not what its Content-Type {visible(kind[:80])!r} says, for {_titles(replies)}"


def _failed(diagnosis: Diagnosis) -> Iterator[str]:
    reasons: dict[str, list[Reply]] = {}
    for reply in diagnosis.failed:
        reasons.setdefault(reply.problem or "no exposition", []).append(reply)
    for problem, replies in reasons.items():
        yield ""
        yield f"no exposition for {_titles(replies)}: {visible(problem)}"


def _titles(replies: list[Reply]) -> str:
    """Scrapers in a sentence: all versions of one as one."""
    titles = (_TOGETHER.get(one.scraper.id, one.scraper.title) for one in replies if not one.scraper.rewrites)
    return ", ".join(dict.fromkeys(titles))


def as_data(name: str, replies: list[Reply], diagnosis: Diagnosis) -> dict[str, Any]:
    """The same for programs."""
    return {
        "schema": 1,
        "endpoint": name,
        "sound": diagnosis.is_sound,
        "renamed": diagnosis.renamed,
        "only_some": diagnosis.only_some,
        "answers": [
            {
                "scraper": reply.scraper.id,
                "title": reply.scraper.title,
                "accept": reply.scraper.accept,
                "source": reply.scraper.source,
                "rewrites": reply.scraper.rewrites,
                "status": reply.answer.status if reply.answer is not None else None,
                "content_type": reply.answer.content_type if reply.answer is not None else None,
                "problem": reply.problem,
                "series": sorted(reply.names.normal) if reply.names is not None else None,
                "metadata_only": sorted(reply.names.orphans) if reply.names is not None else None,
                "faults": reply.names.faults if reply.names is not None else None,
            }
            for reply in replies
        ],
    }
