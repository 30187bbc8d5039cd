"""Which rules about expositions, as `trueup metrics` finds them, each requirement holds."""

from __future__ import annotations

LAWS: dict[str, frozenset[str]] = {
    "MX-002": frozenset({"repeated-metadata", "late-metadata"}),
    "MX-003": frozenset({"split-family", "split-group"}),
    "MX-004": frozenset({"duplicate-series"}),
    "MX-005": frozenset(
        {"unordered-buckets", "missing-inf-bucket", "not-cumulative", "count-mismatch", "missing-le", "bad-le"}
    ),
    "MX-006": frozenset({"incomplete-histogram", "negative-bucket-sum"}),
    "MX-007": frozenset({"negative-counter", "nan-counter"}),
    "MX-008": frozenset({"stray-sample"}),
    "MX-009": frozenset({"missing-eof", "after-eof"}),
    "MX-010": frozenset({"bad-quantile", "duplicate-label"}),
    "MX-011": frozenset({"bad-exemplar"}),
}
METADATA = frozenset({"no-type", "no-help"})  # MX-012
REWRITTEN = frozenset({"rewritten-name"})  # MX-022
# The rest of what makes a reader refuse a page, or take a number for another: MX-001.
READABLE = frozenset(
    {
        "not-an-exposition",
        "bad-line",
        "bad-name",
        "bad-escape",
        "bad-value",
        "bad-timestamp",
        "carriage-return",
        "missing-newline",
        "unknown-type",
        "bad-info-value",
        "unordered-timestamps",
        "unit-mismatch",
        "clashing-name",
    }
)
ERRORS = READABLE.union(*LAWS.values())
POLICY: dict[str, frozenset[str]] = {
    "MX-080": frozenset({"type-mismatch"}),
    "MX-081": frozenset({"missing-family"}),
    "MX-082": frozenset({"missing-label", "forbidden-label"}),
    "MX-083": frozenset({"wrong-prefix"}),
    "MX-084": frozenset({"too-many-series"}),
    "MX-086": frozenset({"unknown-family"}),
    "MX-087": frozenset({"deprecated-family"}),
}
