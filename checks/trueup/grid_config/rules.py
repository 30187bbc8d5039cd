"""The rules about global-router grids."""

from __future__ import annotations

from trueup.findings import Severity
from trueup.rules import Rule

RULES = (
    Rule(
        id="grid-config/not-json",
        severity=Severity.ERROR,
        summary="a router configuration is not JSON",
        reason="No router can start from it.",
    ),
    Rule(
        id="grid-config/byte-order-mark",
        severity=Severity.ERROR,
        summary="a byte-order mark stands before the JSON",
        reason="RFC 8259 forbids it, and many parsers refuse the file for a sign that no editor shows.",
    ),
    Rule(
        id="grid-config/duplicate-key",
        severity=Severity.ERROR,
        summary="a key stands in an object twice",
        reason="Parsers differ in which of the two they take, and most say nothing.",
    ),
    Rule(
        id="grid-config/missing-field",
        severity=Severity.ERROR,
        summary="a required field is missing",
        reason="The router refuses to start without it.",
    ),
    Rule(
        id="grid-config/unknown-field",
        severity=Severity.ERROR,
        summary="a field that does not exist",
        reason="Routers ignore fields that they do not know: a misspelt option is silently off.",
    ),
    Rule(
        id="grid-config/other-mode-field",
        severity=Severity.ERROR,
        summary="a field of the other mode",
        reason="It is silently ignored: somebody believes that it does something.",
    ),
    Rule(
        id="grid-config/unknown-mode",
        severity=Severity.ERROR,
        summary="a mode that does not exist",
        reason="The router refuses to start: the modes are disagg and agg.",
    ),
    Rule(
        id="grid-config/wrong-type",
        severity=Severity.ERROR,
        summary="a value of the wrong JSON type",
        reason="Some programs convert it, others fail, and a boolean counts as 1 in Python.",
    ),
    Rule(
        id="grid-config/not-finite",
        severity=Severity.ERROR,
        summary="a number that is NaN or infinite",
        reason="It is no JSON, though Python reads it, and every comparison with it goes wrong.",
    ),
    Rule(
        id="grid-config/out-of-range",
        severity=Severity.ERROR,
        summary="a number outside the range that makes sense",
        reason="No request can have such a length or latency, and no grid such a size.",
    ),
    Rule(
        id="grid-config/empty-range",
        severity=Severity.ERROR,
        summary="an axis whose minimum is not below its maximum",
        reason="Its bands have no width: selection would divide by zero.",
    ),
    Rule(
        id="grid-config/namespace-count",
        severity=Severity.ERROR,
        summary="a number of namespaces that differs from the number of pools",
        reason="A pool without a namespace cannot be reached; a namespace without a pool gets nothing.",
    ),
    Rule(
        id="grid-config/blank-namespace",
        severity=Severity.ERROR,
        summary="a namespace that is empty or has white space at an end",
        reason="Discovery compares names exactly: no worker ever registers under this one.",
    ),
    Rule(
        id="grid-config/duplicate-namespace",
        severity=Severity.ERROR,
        summary="a namespace that two pools of a phase share",
        reason="Requests for one pool reach the workers of the other.",
    ),
    Rule(
        id="grid-config/shared-namespace",
        severity=Severity.WARNING,
        summary="a namespace that both phases use",
        reason="Discovery sees prefill and decode workers as one pool.",
    ),
    Rule(
        id="grid-config/mapping-shape",
        severity=Severity.ERROR,
        summary="a mapping whose rows or columns do not fit the resolutions",
        reason="Some bands have no pool, or some cells are never used.",
    ),
    Rule(
        id="grid-config/unknown-pool",
        severity=Severity.ERROR,
        summary="a pool index that no pool has",
        reason="Requests that fall into this cell fail.",
    ),
    Rule(
        id="grid-config/empty-override",
        severity=Severity.ERROR,
        summary="an override whose minimum is above its maximum",
        reason="It can never match a request.",
    ),
    Rule(
        id="grid-config/shadowed-override",
        severity=Severity.WARNING,
        summary="an override that earlier ones leave nothing to",
        reason="The first override that matches wins: this one never does.",
    ),
    Rule(
        id="grid-config/priority-count",
        severity=Severity.ERROR,
        summary="a number of priorities that differs from the number of pools",
        reason="Which pool is faster than which is then anybody's guess.",
    ),
    Rule(
        id="grid-config/unreachable-pool",
        severity=Severity.WARNING,
        summary="a pool to which no cell and no override leads",
        reason="It costs GPUs and serves nothing.",
    ),
    Rule(
        id="grid-config/not-monotonic",
        severity=Severity.WARNING,
        summary="a looser latency target that gets a faster pool than a tighter one",
        reason="Usually two cells, or an axis, were swapped.",
        enabled=False,
    ),
    Rule(
        id="grid-config/deprecated-name",
        severity=Severity.WARNING,
        summary="a latency bound whose name has no unit",
        reason="Later releases may drop the first release's names, and milliseconds cannot be seen in them.",
        fixable=True,
    ),
    Rule(
        id="grid-config/doubled-bound",
        severity=Severity.ERROR,
        summary="a bound that is given under its old and its new name",
        reason="Routers silently take one of them.",
    ),
    Rule(
        id="grid-config/forms-differ",
        severity=Severity.ERROR,
        summary="a grid whose two forms disagree",
        reason="The router and the endpoint picker send the same request to different pools.",
    ),
)
