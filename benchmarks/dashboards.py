"""Measures `trueup dashboards` on a dashboard of many panels: `python benchmarks/dashboards.py [PANELS]`.

The panels are written here, in the shape of those that engines ship (two queries each, with variables, field options
and overrides), every expression another. Right names first, then names of which every one is wrong, so that every place
has to be found.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from measure import fail, median, timed

RUNS = 7
POLICY = "builtin:sglang"


def panel(index: int, prefix: str) -> dict[str, object]:
    """One panel with two queries."""
    selector = f'{{model_name=~"$model", instance=~"${{instance:regex}}", shard!="{index}"}}'
    return {
        "id": index,
        "title": f"Panel {index}",
        "type": "timeseries",
        "datasource": {"type": "prometheus", "uid": "${datasource}"},
        "fieldConfig": {
            "defaults": {"unit": "s", "custom": {"lineWidth": 1, "fillOpacity": 0, "showPoints": "auto"}},
            "overrides": [
                {"matcher": {"id": "byName", "options": "p99"}, "properties": [{"id": "color", "value": "red"}]}
            ],
        },
        "gridPos": {"h": 8, "w": 12, "x": 0, "y": index * 8},
        "options": {"legend": {"calcs": [], "displayMode": "list"}, "tooltip": {"mode": "single", "sort": "none"}},
        "targets": [
            {
                "expr": "histogram_quantile(0.99, sum by (le, model_name) "
                f"(rate({prefix}e2e_request_latency_seconds_bucket{selector}[$__rate_interval])))",
                "legendFormat": "p99",
                "refId": "A",
            },
            {
                "expr": f"sum(rate({prefix}prompt_tokens_total{selector}[$__rate_interval])) / {index + 1}",
                "legendFormat": "tokens",
                "refId": "B",
            },
        ],
    }


def main() -> int:
    """Prints a line for each of the two dashboards."""
    panels = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    for what, prefix in (("right names", "sglang:"), ("wrong names", "sglang_")):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(["git", "init", "--quiet", folder], check=True)
            content = {
                "title": "Many",
                "schemaVersion": 39,
                "panels": [panel(index, prefix) for index in range(panels)],
            }
            place = Path(folder) / "dashboard.json"
            place.write_text(json.dumps(content, indent=2), encoding="utf-8")
            subprocess.run(["git", "-C", folder, "add", "."], check=True)
            argv = [sys.executable, "-m", "trueup", "dashboards", "-C", folder, "--policy", POLICY]
            samples = [one for _ in range(RUNS) if (one := timed(argv, Path(folder))) is not None]
            size_kb = place.stat().st_size // 1000
        if not samples:
            fail("no run came to its end")
        wall, cpu = median([one.wall_s for one in samples]), median([one.cpu_s for one in samples])
        peak = max(one.peak_bytes for one in samples) >> 20
        print(f"{panels} panels, {size_kb} kB, {what}: median wall {wall:.2f} s, CPU {cpu:.2f} s, peak {peak} MiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
