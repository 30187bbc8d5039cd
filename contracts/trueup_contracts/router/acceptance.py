"""Which configurations are accepted and which are refused: RC-001 to RC-022."""

from __future__ import annotations

from collections.abc import Callable

from trueup_contracts import requirement
from trueup_contracts.errors import Refusal
from trueup_contracts.router.corpus import Case, cases
from trueup_contracts.router.model import Axis, agg
from trueup_contracts.subject import Subject


def refused(subject: Subject, chosen: Callable[[Case], bool], *, as_text: bool = False) -> None:
    """Every case of the corpus that is chosen, and that the implementation can understand, must be refused."""
    __tracebackhide__ = True
    tried = 0
    for case in cases():
        if not chosen(case) or not _concerns(case, subject):
            continue
        tried += 1
        try:
            if as_text:
                subject.open_by("make_from_text", text=case.text)
            else:
                subject.open(config=case.value)
        except Refusal as refusal:
            assert refusal.code == "invalid", f"{case.name} was refused as {refusal.code!r}, not as 'invalid'"
        else:
            where = ", ".join(pointer or "/" for pointer in case.pointers)
            raise AssertionError(f"{case.name} was accepted; wrong is {'; '.join(sorted(case.rules))} at {where}")
    assert tried, "no case of the corpus concerns what this implementation claims: claim disagg or agg"


def _concerns(case: Case, subject: Subject) -> bool:
    modes = {"disagg", "agg"} & case.needs
    # What is only wrong in an optional part says nothing about implementations without that part.
    return modes <= subject.capabilities and case.needs - {"agg_isl"} <= subject.capabilities | modes


def _is(*rules: str, level: str | None = None) -> Callable[[Case], bool]:
    def chosen(case: Case) -> bool:
        fits = bool(case.rules & set(rules)) and case.name.startswith("invalid/") and not case.text_only
        return fits and (level is None or case.level == level)

    return chosen


@requirement("RC-001")
def test_every_valid_configuration_is_accepted(trueup_subject: Subject) -> None:
    tried = 0
    for case in cases():
        if not case.name.startswith("valid/") or not case.needs <= trueup_subject.capabilities:
            continue
        tried += 1
        try:
            trueup_subject.open(config=case.value)
        except Refusal as refusal:
            raise AssertionError(f"{case.name} is valid and was refused: {refusal.message}") from None
    assert tried, "no case of the corpus concerns what this implementation claims: claim disagg or agg"


@requirement("RC-002")
def test_a_missing_field_is_refused(trueup_subject: Subject) -> None:
    refused(trueup_subject, lambda case: _is("missing-field")(case) and "override" not in case.name)


@requirement("RC-003")
def test_a_wrong_number_of_namespaces_is_refused(trueup_subject: Subject) -> None:
    refused(trueup_subject, _is("namespace-count"))


@requirement("RC-004")
def test_a_resolution_below_one_is_refused(trueup_subject: Subject) -> None:
    refused(trueup_subject, _is("out-of-range", level="must"))


@requirement("RC-005")
def test_bounds_that_are_equal_or_swapped_are_refused(trueup_subject: Subject) -> None:
    refused(trueup_subject, _is("empty-range", level="must"))


@requirement("RC-006")
def test_a_mapping_of_another_shape_is_refused(trueup_subject: Subject) -> None:
    refused(trueup_subject, _is("mapping-shape"))


@requirement("RC-007")
def test_a_cell_without_a_pool_is_refused(trueup_subject: Subject) -> None:
    refused(trueup_subject, lambda case: _is("unknown-pool")(case) and "override" not in case.name)


@requirement("RC-008")
def test_an_override_that_can_never_work_is_refused(trueup_subject: Subject) -> None:
    rules = _is("missing-field", "unknown-pool", "empty-override", level="must")
    refused(trueup_subject, lambda case: rules(case) and "override" in case.name)


@requirement("RC-009")
def test_wrong_pool_priorities_are_refused(trueup_subject: Subject) -> None:
    rules = _is("priority-count", "wrong-type", level="must")
    refused(trueup_subject, lambda case: rules(case) and "priorit" in case.name)


@requirement("RC-010")
def test_a_retry_switch_that_is_no_boolean_is_refused(trueup_subject: Subject) -> None:
    refused(trueup_subject, lambda case: _is("wrong-type")(case) and "retry" in case.name)


@requirement("RC-011")
def test_an_unknown_mode_is_refused(trueup_subject: Subject) -> None:
    refused(trueup_subject, _is("unknown-mode"))


@requirement("RC-012")
def test_values_of_a_wrong_type_are_refused(trueup_subject: Subject) -> None:
    refused(trueup_subject, _is("wrong-type", level="should"))


@requirement("RC-013")
def test_bounds_that_are_not_finite_are_refused(trueup_subject: Subject) -> None:
    refused(trueup_subject, _is("not-finite"))


@requirement("RC-014")
def test_numbers_out_of_range_are_refused(trueup_subject: Subject) -> None:
    refused(trueup_subject, _is("out-of-range", "empty-range", level="should"))


@requirement("RC-015")
def test_unknown_fields_are_refused(trueup_subject: Subject) -> None:
    refused(trueup_subject, _is("unknown-field"))


@requirement("RC-016")
def test_fields_of_the_other_mode_are_refused(trueup_subject: Subject) -> None:
    refused(trueup_subject, _is("other-mode-field"))


@requirement("RC-017")
def test_namespaces_that_find_no_workers_are_refused(trueup_subject: Subject) -> None:
    refused(trueup_subject, _is("blank-namespace", "duplicate-namespace"))


@requirement("RC-018")
def test_a_bound_under_two_names_is_refused(trueup_subject: Subject) -> None:
    refused(trueup_subject, _is("doubled-bound"))


@requirement("RC-019")
def test_the_first_names_of_latency_bounds_are_read_as_milliseconds(trueup_subject: Subject) -> None:
    config = agg(Axis(0, 1000, 2), Axis(0, 100, 2))
    strategy = config["agg_pool_selection_strategy"]
    if "agg" not in trueup_subject.capabilities:
        return
    for name in ("ttft_min", "ttft_max", "itl_min", "itl_max"):
        strategy[name] = strategy.pop(f"{name}_ms")
    router = trueup_subject.open(config=config)
    for ttft_ms, itl_ms, expected in ((100, 10, 0), (100, 60, 1), (600, 10, 2), (600, 60, 3)):
        found = router.call("select_agg", ttft_target_ms=ttft_ms, itl_target_ms=itl_ms)
        assert found == expected, f"TTFT {ttft_ms} ms, ITL {itl_ms} ms: pool {found!r}, expected {expected}"


@requirement("RC-020")
def test_texts_that_parsers_read_differently_are_refused(trueup_subject: Subject) -> None:
    refused(trueup_subject, lambda case: case.text_only and case.level == "should", as_text=True)


@requirement("RC-021")
def test_texts_that_are_no_json_are_refused(trueup_subject: Subject) -> None:
    refused(trueup_subject, lambda case: case.text_only and case.level == "must", as_text=True)


@requirement("RC-023")
def test_a_router_made_from_a_text_is_the_one_of_its_configuration(trueup_subject: Subject) -> None:
    tried = 0
    for case in cases():
        if not case.name.startswith("valid/") or not case.needs <= trueup_subject.capabilities:
            continue
        tried += 1
        call, args = (
            ("select_agg", {"ttft_target_ms": 5000, "itl_target_ms": 5000, "isl": 9000})
            if "agg" in case.needs
            else ("select_prefill", {"isl": 9000, "ttft_target_ms": 5000})
        )
        if "agg_isl" not in trueup_subject.capabilities:
            args.pop("isl" if call == "select_agg" else "", None)
        expected = trueup_subject.open(config=case.value).call(call, **args)
        found = trueup_subject.open_by("make_from_text", text=case.text).call(call, **args)
        assert found == expected, f"{case.name}: {call}({args}) of the text's router: pool {found!r}, not {expected!r}"
    assert tried, "no case of the corpus concerns what this implementation claims: claim disagg or agg"


@requirement("RC-022")
def test_a_third_axis_is_never_ignored(trueup_subject: Subject) -> None:
    config = agg(Axis(0, 100, 2), Axis(0, 100, 2), isl=Axis(0, 100, 2))
    if "agg_isl" not in trueup_subject.capabilities:
        try:
            trueup_subject.open(config=config)
        except Refusal:
            return
        raise AssertionError("a grid of three axes was accepted without the capability agg_isl")
    router = trueup_subject.open(config=config)
    pools = [router.call("select_agg", ttft_target_ms=0, itl_target_ms=0, isl=isl) for isl in (0, 99)]
    assert pools == [0, 4], f"input lengths 0 and 99 got the pools {pools}, expected [0, 4]"
