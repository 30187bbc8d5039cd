"""What one answer, saved in a file, says about the endpoint that gave it."""

from __future__ import annotations

from typing import Any

from trueup.metrics.doctor.asking import read_names
from trueup.reports.escape import visible


def file_data(body: bytes) -> dict[str, Any]:
    """The format, the names with colons, and names whose metadata has a colon while their samples have `_`."""
    names = read_names(body)
    colons = sorted(name for name in names.normal if ":" in name)
    rewritten = sorted(
        name
        for name in names.orphans
        if ":" in name and any(one.startswith(name.replace(":", "_")) for one in names.series)
    )
    return {
        "openmetrics": names.openmetrics,
        "series": len(names.normal),
        "colons": colons,
        "rewritten": rewritten,
        "faults": names.faults,
        # Only an answer that contradicts itself proves something; one with colons may be fine.
        "sound": not rewritten and not names.faults,
    }


def tell_file(name: str, found: dict[str, Any]) -> str:
    """The report."""
    form = "OpenMetrics" if found["openmetrics"] else "text"
    lines = [f"{visible(name)}: {form}, {found['series']} series names"]
    if found["faults"]:
        lines.append(f"  {found['faults']} lines are at fault: trueup metrics {visible(name)}")
    if found["rewritten"]:
        example = found["rewritten"][0]
        lines += [
            f"  HELP and TYPE say {visible(example)}, the samples {visible(example.replace(':', '_'))}"
            + (f"; so do {len(found['rewritten']) - 1} more" if len(found["rewritten"]) > 1 else ""),
            "  So Python's prometheus-client answers from 0.23 on (client_python #1177) when OpenMetrics is asked for",
            "  without escaping=allow-utf-8: as Prometheus 2.x asks, and 3.x with legacy names. curl sees the colon.",
        ]
    elif found["colons"]:
        lines += [
            f"  {len(found['colons'])} names have a colon ({visible(found['colons'][0])}). If its exporter is Python's",
            "  prometheus-client 0.23 or later, Prometheus 2.x stores them with _ in place of the colon.",
        ]
    if found["rewritten"] or found["colons"]:
        lines.append("  One file is one answer: ask the endpoint itself, trueup metrics doctor URL")
    return "\n".join(lines) + "\n"
