"""Under what names a source is passed on: MX-063 to MX-065 and MX-069 to MX-073."""

from __future__ import annotations

from typing import Any

from trueup_contracts import requirement
from trueup_contracts.errors import Refusal
from trueup_contracts.metrics import normal
from trueup_contracts.metrics.calls import Exporter, lawful, some
from trueup_contracts.metrics.filtering import ACCEPTS, exposes
from trueup_contracts.metrics.laws import REWRITTEN
from trueup_contracts.metrics.negotiating import same_for_all
from trueup_contracts.metrics.sources import PROCESS, Made, engine, gauge, text
from trueup_contracts.subject import Subject


@requirement("MX-063")
def test_a_prefix_stands_before_every_name(trueup_subject: Subject) -> None:
    source = [*engine(""), gauge("kv_cache_usage_perc")]
    for add in ("trtllm_", "dynamo_component_"):
        config: dict[str, Any] = {"add_prefix": add}
        exposes(Exporter(trueup_subject, config), source, config)
        config = {"drop_prefixes": ["python_", "process_"], "add_prefix": add}
        exposes(Exporter(trueup_subject, config), [*source, *PROCESS], config)


@requirement("MX-064")
def test_a_prefix_is_not_added_twice(trueup_subject: Subject) -> None:
    for add in ("trtllm_", "sglang:"):
        source = [*engine(add), gauge("depth"), gauge(f"{add.rstrip('_:')}x_depth")]
        config = {"add_prefix": add}
        exposes(Exporter(trueup_subject, config), source, config)
        # Each layer has its own bridge, and the second one reads what the first one exposes.
        first, second = Exporter(trueup_subject, config), Exporter(trueup_subject, config)
        first.set_source(text(source))
        second.handle.call("set_source", exposition=first.scrape(None).body)
        twice = [one for one in normal.shapes(second.page(None)) if one.startswith(add + add)]
        assert not twice, f"behind a second bridge with the same prefix: {some(twice)}"


@requirement("MX-065")
def test_a_kept_prefix_is_replaced_once(trueup_subject: Subject) -> None:
    for keep, add in (
        (["trtllm_"], "trtllm_"),
        (["sglang:"], "sglang:"),
        (["sglang:"], "dynamo_"),
        (["sglang:"], "sglang_"),
        (["vllm_"], "vllm:"),
        (["sglang:", "lmcache:"], "dynamo_"),
    ):
        config = {"keep_prefixes": keep, "add_prefix": add}
        source = [*engine(keep[0]), *PROCESS, *(gauge(f"{one}usage_{number}") for number, one in enumerate(keep))]
        exposes(Exporter(trueup_subject, config), source, config)


@requirement("MX-069")
def test_renamed_colons_are_the_same_for_all(trueup_subject: Subject) -> None:
    for config in ({}, {"keep_prefixes": ["sglang:"]}, {"keep_prefixes": ["sglang:"], "add_prefix": "vllm:"}):
        exporter = Exporter(trueup_subject, config)
        exporter.set_source(text([*engine(), *PROCESS]))
        same_for_all(exporter, values=True)
        for who, page in exporter.pages():
            lawful(who, page, REWRITTEN)


ODD_TEXTS = (
    "two  blanks",
    " blanks around ",
    "a\tb",
    'say "no"',
    "back\\slash",
    "C:\\new",
    "line\nbreak",
    "{braces} 5",
    "a,b=c",
    "# HELP x y",
    "ümläut 模型",
    "",
)


@requirement("MX-070")
def test_texts_pass_unchanged(trueup_subject: Subject) -> None:
    for config in ({}, {"keep_prefixes": ["sglang:"]}, {"keep_prefixes": ["sglang:"], "add_prefix": "dynamo_"}):
        exporter = Exporter(trueup_subject, config)
        values = [("", {"text": one, "z": "last"}, float(number)) for number, one in enumerate(ODD_TEXTS)]
        # The format has no way to write blanks at a help text's ends.
        helps = [one for one in ODD_TEXTS if one == one.strip() and one]
        source = [Made("sglang:odd", "gauge", "All of them.", values)]
        source += [Made(f"sglang:odd_{number}x", "gauge", one, values[:1]) for number, one in enumerate(helps)]
        exposes(exporter, source, config)


@requirement("MX-071")
def test_two_families_do_not_become_one(trueup_subject: Subject) -> None:
    config = {"keep_prefixes": ["sglang:", "vllm:"], "add_prefix": "dynamo_"}
    exporter = Exporter(trueup_subject, config)
    exporter.set_source(text([gauge("sglang:depth", 1.0), gauge("vllm:depth", 2.0)]))
    for accept in ACCEPTS:
        answer = exporter.scrape(accept)
        if answer.status == 200:
            page = answer.page
            lawful("a scraper of two families under one name", page)
            values = sorted(normal.series(page).values())
            assert values == [1.0, 2.0], f"two families became one, and of their values 1 and 2 there is {values}"
        assert answer.status == 200 or answer.status >= 500, f"status {answer.status}"


UNREADABLE = (
    b"sglang:depth 1\nthis is no sample at all\nsglang:width 2\n",
    b'sglang:depth{a="b 1\nsglang:width 2\n',
    b"sglang:depth one\n",
    b"\xff\xfe\x00 1\n",
    b"<html><body>502 Bad Gateway</body></html>\n",
)


@requirement("MX-072")
def test_an_unreadable_source_is_no_page(trueup_subject: Subject) -> None:
    for source in UNREADABLE:
        exporter = Exporter(trueup_subject, {})
        try:
            exporter.handle.call("set_source", exposition=source)
        except Refusal as refusal:
            assert refusal.code in ("invalid", "malformed"), f"refused as {refusal.code!r}, not as 'malformed'"
            continue
        answer = exporter.scrape(None)
        assert answer.status >= 500, (
            f"of the source {source!r} it made a page with status {answer.status}: {answer.body!r}"
        )


WRONG: tuple[dict[str, Any], ...] = (
    {"keep_prefixes": "sglang:"},
    {"drop_prefixes": "python_"},
    {"keep_prefixes": ["sglang:", 5]},
    {"drop_prefixes": {"python_": True}},
    {"add_prefix": 5},
    {"add_prefix": ["trtllm_"]},
    {"add_prefix": "9_lives_"},
    {"add_prefix": "with blank_"},
    {"keep_prefix": ["sglang:"]},
)


@requirement("MX-073")
def test_wrong_settings_are_refused(trueup_subject: Subject) -> None:
    for config in WRONG:
        try:
            Exporter(trueup_subject, config)
        except Refusal as refusal:
            assert refusal.code == "invalid", f"{config} was refused as {refusal.code!r}, not as 'invalid'"
        else:
            raise AssertionError(f"the configuration {config} was accepted")
