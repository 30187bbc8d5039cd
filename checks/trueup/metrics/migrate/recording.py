"""Recording rules that keep the old names alive for whoever still asks for them."""

from __future__ import annotations

from collections.abc import Mapping

GROUP = "trueup-renamed-metrics"


def recording_rules(renamed: Mapping[str, str]) -> str:
    """A file of Prometheus rules: each old name records its new one. Names are legal, so nothing needs quotes."""
    lines = [
        "# The old names of renamed metrics, for dashboards and alerts that are not migrated yet.",
        "groups:",
        f"  - name: {GROUP}",
        "    rules:",
    ]
    for old, new in sorted(renamed.items()):
        lines += [f"      - record: {old}", f"        expr: {new}"]
    return "\n".join(lines) + "\n"
