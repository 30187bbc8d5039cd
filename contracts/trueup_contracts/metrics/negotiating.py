"""One truth for every scraper: MX-020 to MX-026."""

from __future__ import annotations

from trueup_contracts import requirement
from trueup_contracts.metrics import normal
from trueup_contracts.metrics.accepting import ESCAPING, ODD, SCRAPERS, VERSIONS, media_type, offers
from trueup_contracts.metrics.calls import Answer, Exporter, lawful, some
from trueup_contracts.metrics.laws import REWRITTEN
from trueup_contracts.metrics.reading import OPENMETRICS, PROTOBUF, TEXT, Page
from trueup_contracts.subject import Subject

_Stored = tuple[normal.Series, float | None]
ATTEMPTS = 3  # a live engine gains series by itself: only what differs every time does differ


def same_for_all(exporter: Exporter, *, values: bool = False) -> None:
    """Every scraper must get the same series, with `values` the same values too: nothing more and nothing less."""
    found: dict[str, list[str]] = {}
    for name, accept in SCRAPERS.items():
        told = _difference(exporter, accept, values=values)
        if told is not None:
            found.setdefault(told, []).append(name)
    told = "\n".join(f"{', '.join(names)}:\n{difference}" for difference, names in found.items())
    assert not found, f"not every scraper gets the series that one without an Accept header gets.\n{told}"


def _difference(exporter: Exporter, accept: str | None, *, values: bool) -> str | None:
    for _ in range(ATTEMPTS):
        before = _stored(exporter.page(None), values=values)
        answer = exporter.scrape(accept)
        assert answer.status == 200, f"Accept {accept!r}: status {answer.status}"
        if answer.media_type.name == PROTOBUF:
            return None
        found = _stored(answer.page, values=values)
        after = _stored(exporter.page(None), values=values)
        lost, added = (before & after) - found, found - (before | after)
        if not lost and not added:
            return None
    lines = [f"  not there: {_named(lost, found)}"] if lost else []
    lines += [f"  there alone: {_named(added, before)}"] if added else []
    if added and {one.name.replace(":", "_") for one, _ in lost} == {one.name for one, _ in added}:
        lines.append("  They are the same but for the colon: prometheus-client 0.23 and later rewrites it so.")
    return "\n".join([*lines, f"  Content-Type: {answer.content_type}"])


def _stored(page: Page, *, values: bool) -> set[_Stored]:
    return {(one, value if values else None) for one, value in normal.series(page).items()}


def _named(some_of: set[_Stored], others: set[_Stored]) -> str:
    """Names alone where the others do not have them, whole series elsewhere."""
    known = {one.name for one, _ in others}
    told = {
        one.name if one.name not in known else f"{one}{'' if value is None else f' {value:g}'}"
        for one, value in some_of
    }
    return some(sorted(told))


@requirement("MX-020")
def test_every_scraper_gets_the_same_series(trueup_subject: Subject) -> None:
    exporter = Exporter(trueup_subject)
    exporter.drive_if_claimed()
    same_for_all(exporter)


@requirement("MX-021")
def test_every_scraper_gets_the_same_types(trueup_subject: Subject) -> None:
    exporter = Exporter(trueup_subject)
    exporter.drive_if_claimed()
    plain = normal.types(exporter.page(None))
    for who, page in exporter.pages():
        for name, kind in normal.types(page).items():
            assert plain.get(name, kind) == kind, (
                f"the type of {name} is {plain[name]} without an Accept header, and {kind} for {who}"
            )


@requirement("MX-022")
def test_metadata_bear_the_names_of_the_samples(trueup_subject: Subject) -> None:
    exporter = Exporter(trueup_subject)
    exporter.drive_if_claimed()
    for who, page in exporter.pages():
        lawful(who, page, REWRITTEN)


@requirement("MX-023")
def test_the_content_type_is_one_that_was_offered(trueup_subject: Subject) -> None:
    exporter = Exporter(trueup_subject)
    for name, accept in SCRAPERS.items():
        answer = exporter.scrape(accept)
        kind = answer.media_type.name
        taken = {TEXT, *(one.name for one in offers(accept))} & {TEXT, OPENMETRICS, PROTOBUF}
        assert kind in taken, f"{name} takes {', '.join(sorted(taken))}, and gets {answer.content_type!r}"
        if kind != PROTOBUF:
            ends = answer.body.rstrip(b"\n").endswith(b"# EOF")
            assert ends == (kind == OPENMETRICS), (
                f"{name} is told {answer.content_type!r}, and the page {'ends' if ends else 'does not end'} in '# EOF'"
            )


@requirement("MX-024")
def test_the_content_type_tells_how_the_page_is_written(trueup_subject: Subject) -> None:
    exporter = Exporter(trueup_subject)
    for name, accept in SCRAPERS.items():
        answer = exporter.scrape(accept)
        kind, parameters = answer.media_type
        if kind == PROTOBUF:
            continue
        asked = [one.parameters for one in offers(accept) if one.name == kind]
        named = {one["version"] for one in asked if "version" in one}
        versions = (named or VERSIONS.get(kind, set())) | ({"0.0.4"} if kind == TEXT else set())
        told = f"{name} asked for {accept!r}, and gets {answer.content_type!r}"
        assert "version" in parameters, f"{told}: without a version"
        assert parameters["version"] in versions, f"{told}: nobody asked for this version"
        assert parameters.get("charset", "utf-8").lower() == "utf-8", f"{told}: the character set"
        schemes = {"underscores", *(one["escaping"] for one in asked if "escaping" in one)}
        assert parameters.get("escaping", "underscores") in schemes, f"{told}: nobody asked for this escaping"


@requirement("MX-025")
def test_escaped_names_follow_the_rules(trueup_subject: Subject) -> None:
    exporter = Exporter(trueup_subject)
    exporter.drive_if_claimed()
    plain = exporter.page(None)
    names = {one.name for family in plain.families for one in family.samples}
    names |= {one.name.removesuffix(suffix) for one in plain.families for suffix in ("", "_total", "_info")}
    labels = {label for family in plain.families for one in family.samples for label, _ in one.labels}
    for scheme, accept in ESCAPING.items():
        page = exporter.page(accept)
        allowed = {form for name in names for form in _forms(name, scheme)}
        found = {one.name for one in page.families} | {one.name for each in page.families for one in each.samples}
        wrong = sorted(found - allowed)
        assert not wrong, f"escaping={scheme}: {some(wrong)}; a name is left alone or becomes {_example(names, scheme)}"
        allowed = {form for label in labels for form in _forms(label, scheme)}
        wrong = sorted({label for each in page.families for one in each.samples for label, _ in one.labels} - allowed)
        assert not wrong, f"escaping={scheme}: the labels {some(wrong)} are no forms of those without escaping"
        lawful(f"a scraper that asks for {scheme}", page, REWRITTEN)


def _forms(name: str, scheme: str) -> set[str]:
    whole = normal.escaped(name, scheme)
    if not normal.LEGAL.fullmatch(name):
        return {whole}
    # A suffix may be put behind the escaped family, or be escaped with it.
    suffixes = ("_total", "_bucket", "_sum", "_count", "_created", "_info", "_gsum", "_gcount")
    parts = {normal.escaped(name.removesuffix(one), scheme) + one for one in suffixes if name.endswith(one)}
    return {name, whole, *parts}


def _example(names: set[str], scheme: str) -> str:
    name = sorted(names)[0] if names else "a_b"
    return f"{normal.escaped(name, scheme)} in place of {name}"


@requirement("MX-026")
def test_odd_accept_headers_get_a_page(trueup_subject: Subject) -> None:
    exporter = Exporter(trueup_subject)
    for accept in ODD:
        answer: Answer = exporter.scrape(accept)
        shown = accept if len(accept) < 80 else f"{accept[:60]}… ({len(accept)} characters)"
        assert answer.status in (200, 406), f"Accept {shown!r}: status {answer.status}: {answer.body[:200]!r}"
        if answer.status == 200 and media_type(answer.content_type).name != PROTOBUF:
            lawful(f"a scraper with Accept {shown!r}", answer.page)


NEVER_LEGAL = ("http.in_flight", "5xx.rate", "gpu:fan-speed", "a b", "花火", "tokens/s")


@requirement("MX-027")
def test_names_that_were_never_legal(trueup_subject: Subject) -> None:
    exporter = Exporter(trueup_subject, {})
    exporter.set_source(
        "".join(
            f'# TYPE "{name}" gauge\n{{"{name}","zone.id"="a",rank_id="0"}} {number}\n'
            for number, name in enumerate(NEVER_LEGAL)
        )
    )
    accepts = {None: "underscores", "text/plain;version=0.0.4": "underscores"}
    for scheme in ("underscores", "dots", "values", "allow-utf-8"):
        accepts[f"{OPENMETRICS};version=1.0.0;escaping={scheme},text/plain;version=0.0.4;q=0.5"] = scheme
    for accept, scheme in accepts.items():
        page = exporter.page(accept)
        lawful(f"a scraper with Accept {accept!r}", page)
        due = {_escaped(name, scheme): float(number) for number, name in enumerate(NEVER_LEGAL)}
        found = {one.name: value for one, value in normal.series(page).items()}
        assert found == due, f"Accept {accept!r}: {found}, and by the scheme {scheme} it is {due}"
        labels = {label for one in normal.series(page) for label, _ in one.labels}
        allowed = {_escaped("zone.id", scheme)} | _forms("rank_id", scheme)
        assert len(labels) == 2 and labels <= allowed, (  # noqa: PT018
            f"Accept {accept!r}: the labels zone.id and rank_id became {some(sorted(labels))}"
        )


def _escaped(name: str, scheme: str) -> str:
    return name if scheme == "allow-utf-8" else normal.escaped(name, scheme)
