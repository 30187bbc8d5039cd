"""Which pool a request gets: RC-030 to RC-040."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from trueup_contracts import requirement
from trueup_contracts.errors import Refusal
from trueup_contracts.profile import Profile
from trueup_contracts.router.model import Axis, agg, cell, disagg
from trueup_contracts.subject import Handle, Subject

WHOLE = st.integers(0, 40_000)
# Decimal bounds as people write them, eighths (exact in binary64), and extremes.
LATENCY = st.one_of(
    WHOLE,
    st.integers(0, 400_000).map(lambda n: n / 10),
    st.integers(0, 400_000).map(lambda n: n / 8),
    st.sampled_from([1e-9, 0.1, 1e12, 1e15]),
)


@st.composite
def axes(draw: st.DrawFn, bounds: st.SearchStrategy[Any]) -> Axis:
    """An axis with a width."""
    low, high = sorted((draw(bounds), draw(bounds)))
    return Axis(low, high if low < high else low + 1, draw(st.integers(1, 9)))


@st.composite
def values_on(draw: st.DrawFn, axis: Axis, *, whole: bool) -> Any:
    """A value that is likely to stand on an edge, beside one, or outside the bounds."""
    step = (axis.high - axis.low) / axis.resolution
    edge = axis.low + draw(st.integers(-1, axis.resolution + 1)) * step
    value = draw(st.sampled_from([edge, edge, edge + step / 3, edge - step / 7, axis.low, axis.high, axis.high * 3]))
    return max(0, round(value) if whole else value)


def judged(
    router: Handle,
    call: str,
    args: dict[str, Any],
    first: tuple[Axis, Any],
    second: tuple[Axis, Any],
    *,
    bitwise: bool,
) -> None:
    """The pool must be one that the model allows, or, bit for bit, the formula's."""
    __tracebackhide__ = True
    pool = router.call(call, **args)
    (rows, row_value), (columns, column_value) = first, second
    if bitwise:
        expected = {(rows.formula(row_value), columns.formula(column_value))}
    else:
        expected = {(row, column) for row in rows.allowed(row_value) for column in columns.allowed(column_value)}
    found = cell(pool, columns) if isinstance(pool, int) and not isinstance(pool, bool) else pool
    shown = " or ".join(str(row * columns.resolution + column) for row, column in sorted(expected))
    assert found in expected, (
        f"{call}({args}) answered pool {pool!r}, expected {shown} (row, column: {sorted(expected)})"
    )


def property_of(subject: Subject, profile: Profile, phase: str, *, bitwise: bool) -> None:
    """Random grids and requests of one phase."""
    __tracebackhide__ = True
    first_name, second_name = {
        "prefill": ("isl", "ttft_target_ms"),
        "decode": ("context_length", "itl_target_ms"),
        "agg": ("ttft_target_ms", "itl_target_ms"),
    }[phase]
    whole = phase != "agg"

    def test(data: st.DataObject) -> None:
        first = data.draw(axes(WHOLE if whole else LATENCY), label="first axis")
        second = data.draw(axes(LATENCY), label="second axis")
        one = data.draw(values_on(first, whole=whole), label=first_name)
        other = data.draw(values_on(second, whole=False), label=second_name)
        config = agg(first, second) if phase == "agg" else disagg(**{phase: (first, second)})
        router = subject.open(config=config)
        args = {first_name: one, second_name: other}
        judged(router, f"select_{phase}", args, (first, one), (second, other), bitwise=bitwise)

    profile.check(test, data=st.data())


@requirement("RC-030")
def test_prefill_pools_are_the_exact_answer(trueup_subject: Subject, trueup_profile: Profile) -> None:
    property_of(trueup_subject, trueup_profile, "prefill", bitwise=False)


@requirement("RC-031")
def test_decode_pools_are_the_exact_answer(trueup_subject: Subject, trueup_profile: Profile) -> None:
    property_of(trueup_subject, trueup_profile, "decode", bitwise=False)


@requirement("RC-032")
def test_aggregated_pools_are_the_exact_answer(trueup_subject: Subject, trueup_profile: Profile) -> None:
    property_of(trueup_subject, trueup_profile, "agg", bitwise=False)


@requirement("RC-033")
def test_layers_are_bands_of_the_input_length(trueup_subject: Subject) -> None:
    isl, ttft, itl = Axis(0, 300, 3), Axis(0, 100, 2), Axis(0, 100, 2)
    router = trueup_subject.open(config=agg(ttft, itl, isl=isl))
    for tokens, layer in ((0, 0), (99, 0), (100, 1), (299, 2), (9_999, 2)):
        for ttft_ms, itl_ms, inner in ((0, 0, 0), (0, 50, 1), (50, 0, 2), (50, 50, 3)):
            found = router.call("select_agg", isl=tokens, ttft_target_ms=ttft_ms, itl_target_ms=itl_ms)
            assert found == layer * 4 + inner, f"isl {tokens}, TTFT {ttft_ms}, ITL {itl_ms}: pool {found!r}"
    try:
        found = router.call("select_agg", ttft_target_ms=0, itl_target_ms=0)
    except Refusal:
        return
    raise AssertionError(f"a request without an input length got pool {found!r}; it must be refused")


def routers(subject: Subject, first: Axis, second: Axis) -> list[tuple[Handle, str, str, str]]:
    """A router of every phase that is claimed: the handle, its call, and the names of its two values."""
    made = []
    if "disagg" in subject.capabilities:
        config = disagg(prefill=(first, second), decode=(first, second))
        made.append((subject.open(config=config), "select_prefill", "isl", "ttft_target_ms"))
        made.append((subject.open(config=config), "select_decode", "context_length", "itl_target_ms"))
    if "agg" in subject.capabilities:
        made.append((subject.open(config=agg(first, second)), "select_agg", "ttft_target_ms", "itl_target_ms"))
    assert made, "nothing to ask: claim disagg or agg"
    return made


def table(subject: Subject, first: Axis, second: Axis, rows: list[tuple[Any, Any, int]]) -> None:
    """Rows of first value, second value (`None`: absent) and the pool expected."""
    __tracebackhide__ = True
    for router, call, one, other in routers(subject, first, second):
        for value, target, expected in rows:
            args = {one: value} if target is None else {one: value, other: target}
            found = router.call(call, **args)
            assert found == expected, f"{call}({args}) answered pool {found!r}, expected {expected}"


@requirement("RC-034")
def test_a_value_on_an_inner_edge_belongs_to_the_upper_band(trueup_subject: Subject) -> None:
    rows = [(0, 0, 0), (249, 0, 0), (250, 0, 4), (500, 0, 8), (750, 0, 12), (0, 250, 1), (0, 500, 2), (0, 750, 3)]
    table(trueup_subject, Axis(0, 1000, 4), Axis(0, 1000, 4), rows)


@requirement("RC-035")
def test_values_outside_the_bounds_are_in_the_first_and_the_last_band(trueup_subject: Subject) -> None:
    rows = [(0, 50, 0), (99, 99, 0), (100, 100, 0), (500, 500, 3), (501, 10**6, 3), (10**9, 0, 2), (0, 10**9, 1)]
    table(trueup_subject, Axis(100, 500, 2), Axis(100, 500, 2), rows)


@requirement("RC-036")
def test_every_answer_is_the_formulas_bit_for_bit(trueup_subject: Subject, trueup_profile: Profile) -> None:
    # Exact arithmetic says 30 for the first; for the second the division rounds up to the
    # edge, and for the last up to the resolution itself: only a clamp behind the division saves it.
    for low, high, resolution, value in (
        (0, 7, 48, 4.375),
        (0.1, 0.7, 6, 0.3),
        (10, 3000, 7, 1291.4285714285713),
        (0, 7, 49, 6.999999999999999),
        (0, 138.2, 8, 86.37499999999999),  # below low + 5 steps, and the quotient is 5 all the same
    ):
        axis = Axis(low, high, resolution)
        flat = Axis(0, 1000, 1)
        for router, call, one, other in routers(trueup_subject, flat, axis):
            found = router.call(call, **{one: 0, other: value})
            expected = axis.formula(value)
            assert found == expected, f"{call}: {value} on {axis}: pool {found!r}, the formula gives {expected}"
    for phase, mode in (("prefill", "disagg"), ("decode", "disagg"), ("agg", "agg")):
        if mode in trueup_subject.capabilities:
            property_of(trueup_subject, trueup_profile, phase, bitwise=True)


@requirement("RC-037")
def test_an_absent_target_is_the_midpoint_bit_for_bit(trueup_subject: Subject) -> None:
    for low, high, resolution in ((8, 598, 56), (10, 3000, 2), (0, 1000, 8), (0.1, 0.7, 6), (5, 500, 14)):
        axis = Axis(low, high, resolution)
        table(trueup_subject, Axis(0, 1000, 1), axis, [(0, None, axis.formula(axis.midpoint))])


@requirement("RC-038")
def test_an_absent_target_is_the_midpoint(trueup_subject: Subject) -> None:
    for low, high, resolution, band in ((0, 900, 3, 1), (100, 600, 5, 2), (10, 3010, 1, 0), (0, 70, 7, 3)):
        table(trueup_subject, Axis(0, 1000, 1), Axis(low, high, resolution), [(0, None, band)])


@requirement("RC-039")
def test_a_target_of_zero_is_a_value(trueup_subject: Subject) -> None:
    table(trueup_subject, Axis(0, 1000, 2), Axis(0, 900, 3), [(0, 0, 0), (0, 0.0, 0), (0, None, 1)])


@requirement("RC-040")
def test_a_default_stands_in_for_an_absent_target_only(trueup_subject: Subject) -> None:
    defaults = {"ttft_target_ms": 0, "itl_target_ms": 850}
    first, second = Axis(0, 1000, 1), Axis(0, 900, 3)
    if "disagg" in trueup_subject.capabilities:
        router = trueup_subject.open(config=disagg((first, second), (first, second)), defaults=defaults)
        for call, args, expected in (
            ("select_prefill", {"isl": 0}, 0),
            ("select_prefill", {"isl": 0, "ttft_target_ms": 450}, 1),
            ("select_decode", {"context_length": 0}, 2),
            ("select_decode", {"context_length": 0, "itl_target_ms": 0}, 0),
        ):
            found = router.call(call, **args)
            assert found == expected, f"{call}({args}) with defaults {defaults}: pool {found!r}, expected {expected}"
    if "agg" in trueup_subject.capabilities:
        router = trueup_subject.open(config=agg(second, second), defaults=defaults)
        # No `:=` in an assert: pytest 7.4.0 puts it in place of the name in every assert that follows.
        found = router.call("select_agg")
        assert found == 2, f"both absent: pool {found!r}, expected 2"
        found = router.call("select_agg", ttft_target_ms=450, itl_target_ms=0)
        assert found == 3, f"both given: pool {found!r}, expected 3"
