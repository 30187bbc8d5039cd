"""What of a source is passed on: MX-060 to MX-062 and MX-066 to MX-068."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st

from trueup_contracts import requirement
from trueup_contracts.metrics import normal
from trueup_contracts.metrics.calls import Exporter, some
from trueup_contracts.metrics.normal import Shape
from trueup_contracts.metrics.reading import OPENMETRICS, Page
from trueup_contracts.metrics.sources import PROCESS, Made, counter, engine, expected, gauge, histogram, text
from trueup_contracts.profile import Profile
from trueup_contracts.subject import Subject

ACCEPTS = (None, f"{OPENMETRICS};version=1.0.0,text/plain;version=0.0.4;q=0.5")


def exposes(exporter: Exporter, source: Sequence[Made], config: Mapping[str, Any]) -> None:
    """Of this source the exporter must expose what the model does, whatever was asked for."""
    exporter.set_source(text(source))
    for accept in ACCEPTS:
        agree(exporter.page(accept), expected(source, config))


def agree(page: Page, due: Mapping[str, Shape]) -> None:
    """The families of the page must be these, and whole."""
    found = normal.shapes(page)
    missing, new = sorted(due.keys() - found.keys()), sorted(found.keys() - due.keys())
    assert not missing, f"not exposed: {some(missing)}{f'; in their place: {some(new)}' if new else ''}"
    assert not new, f"exposed, and should not be: {some(new)}"
    for name, shape in due.items():
        is_type, is_help, values = found[name]
        assert is_type == shape.type, f"{name} is a {is_type or 'family without a type'}, and was a {shape.type}"
        assert is_help == shape.help, f"{name}: the help text is {is_help!r}, and was {shape.help!r}"
        lost, added = shape.values.items() - values.items(), values.items() - shape.values.items()
        assert not lost, f"{name}: not exposed: {_told(lost)}{f'; in their place: {_told(added)}' if added else ''}"
        assert not added, f"{name}: exposed, and should not be: {_told(added)}"


def _told(values: Iterable[tuple[normal.Series, float]]) -> str:
    return some([f"{series} {value}" for series, value in sorted(values)])


def _tried(subject: Subject, *cases: tuple[Sequence[Made], dict[str, Any]]) -> None:
    for source, config in cases:
        exposes(Exporter(subject, config), source, config)


@requirement("MX-060")
def test_without_prefixes_everything_is_exposed(trueup_subject: Subject) -> None:
    source = [*engine(), *PROCESS, *engine("vllm:")]
    _tried(trueup_subject, (source, {}), (source, {"keep_prefixes": [], "drop_prefixes": [], "add_prefix": ""}))
    created = 'x_created{a="b"} 1.7e9\n'
    exporter = Exporter(trueup_subject, {})
    exporter.set_source(
        text([counter("x", a="b")]) + f"# HELP x_created How many 1.\n# TYPE x_created gauge\n{created}"
    )
    for accept in ACCEPTS:
        agree(exporter.page(accept), expected([counter("x", a="b")], {}))


@requirement("MX-061")
def test_what_is_kept_is_all_that_is_exposed(trueup_subject: Subject) -> None:
    source = [
        *engine(),
        *PROCESS,
        *engine("vllm:"),
        *engine("lmcache:"),
        gauge("sglang_router_workers"),
        gauge("my_sglang:depth"),
    ]
    _tried(
        trueup_subject,
        (source, {"keep_prefixes": ["sglang:"]}),
        (source, {"keep_prefixes": ["vllm:", "lmcache:"]}),
        (source, {"keep_prefixes": ["sglang_"]}),
        (source, {"keep_prefixes": ["sglang:num_", "process_"]}),
    )


@requirement("MX-062")
def test_what_is_dropped_is_not_exposed(trueup_subject: Subject) -> None:
    source = [*engine(), *PROCESS, *engine("vllm:")]
    _tried(
        trueup_subject,
        (source, {"drop_prefixes": ["python_", "process_"]}),
        (source, {"drop_prefixes": ["sglang:"]}),
        (source, {"keep_prefixes": ["sglang:"], "drop_prefixes": ["sglang:num_"]}),
        (source, {"keep_prefixes": ["python_", "vllm:"], "drop_prefixes": ["python_"]}),
    )


@requirement("MX-066")
def test_prefixes_are_of_names_only(trueup_subject: Subject) -> None:
    source = [
        counter("requests", engine="sglang:main"),
        gauge("my_sglang:depth", where="sglang:"),
        histogram("latency_sglang:seconds", sglang="yes"),
        Made("free", "gauge", "sglang: is not the one that reports this.", [("", {"sglang_id": "a"}, 1.0)]),
        gauge("sglang:free", engine="vllm:main"),
        Made("sglang:used", "gauge", "vllm: has the same.", [("", {"vllm_id": "sglang:a"}, 2.0)]),
    ]
    _tried(
        trueup_subject,
        (source, {"keep_prefixes": ["sglang:"]}),
        (source, {"drop_prefixes": ["sglang:"]}),
        (source, {"keep_prefixes": ["sglang:"], "drop_prefixes": ["vllm:"]}),
        (source, {"keep_prefixes": ["sglang:"], "add_prefix": "dynamo_"}),
        (source, {"drop_prefixes": ["sglang:"], "add_prefix": "vllm:"}),
    )


@requirement("MX-067")
def test_exporters_share_nothing(trueup_subject: Subject) -> None:
    configs: list[dict[str, Any]] = [
        {"keep_prefixes": ["sglang:"]},
        {"keep_prefixes": ["vllm:"], "add_prefix": "dynamo_"},
        {},
    ]
    sources: list[list[Made]] = [engine(), [*engine("vllm:"), gauge("vllm:depth", 9.0)], PROCESS]
    exporters = [Exporter(trueup_subject, config) for config in configs]
    for exporter, source in zip(exporters, sources, strict=True):
        exporter.set_source(text(source))
    for exporter, source, config in zip(exporters, sources, configs, strict=True):
        agree(exporter.page(None), expected(source, config))
    for replaced in ([gauge("sglang:depth", 1.0)], [gauge("sglang:width", 2.0)], engine()):
        exposes(exporters[0], replaced, configs[0])


PREFIXES = ("sglang:", "vllm:", "lmcache:", "python_", "process_")
ADDED = ("", "", "trtllm_", "dynamo_component_", "sglang:", "vllm:")
_WORDS = ("requests", "depth", "latency_seconds", "tokens", "free_blocks", "hits", "wait_seconds", "users")
_values = st.text("abcXYZ012 _-./:{}=", max_size=8).filter(lambda one: "  " not in one and one == one.strip())
_numbers = st.one_of(st.integers(0, 1 << 40).map(float), st.floats(0, 1e9, allow_nan=False))


@st.composite
def _families(draw: st.DrawFn) -> list[Made]:
    names = draw(
        st.lists(st.tuples(st.sampled_from((*PREFIXES, "")), st.sampled_from(_WORDS)), max_size=8, unique=True)
    )
    found = []
    for prefix, word in names:
        name, labels = prefix + word, {"model": draw(_values)}
        kind = draw(st.sampled_from(("counter", "gauge", "histogram")))
        if kind == "histogram":
            found.append(histogram(name, **labels))
        else:
            suffix = "_total" if kind == "counter" else ""
            values = [(suffix, labels, draw(_numbers)), (suffix, {"rank": "0"}, draw(_numbers))]
            found.append(Made(name, kind, f"The {word}.", values))
    return found


@requirement("MX-068")
def test_every_source_and_configuration(trueup_subject: Subject, trueup_profile: Profile) -> None:
    def law(source: list[Made], keep: list[str], drop: list[str], add: str) -> None:
        config = {"keep_prefixes": keep, "drop_prefixes": drop, "add_prefix": add}
        due = expected(source, config)
        passed = expected(source, {**config, "add_prefix": ""})
        assume(len(due) == len(passed))  # two families that become one are MX-071's
        exposes(Exporter(trueup_subject, config), source, config)

    prefixes = st.lists(st.sampled_from(PREFIXES), max_size=4, unique=True)
    trueup_profile.check(law, times=4, source=_families(), keep=prefixes, drop=prefixes, add=st.sampled_from(ADDED))
