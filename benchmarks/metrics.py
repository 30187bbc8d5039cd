"""Times `trueup metrics FILE` beside promtool and prometheus-client's parser: whole processes, the same file.

    python benchmarks/metrics.py [--runs 7] [--samples 40000,400000]

The expositions are generated: counters, gauges and histograms of many pods, as an engine's or a gateway's are; and once
more with two spaces before each value, which trueup reads line by line. docs/benchmarks.md explains the figures.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from measure import Tool, fail, median, nothing, rounds, spread, table

BOUNDS = ["0.001", "0.005", "0.01", "0.05", "0.1", "0.5", "1.0", "5.0", "10.0", "60.0", "+Inf"]
PARSE = (
    "import sys; from prometheus_client.parser import text_string_to_metric_families as parse; "
    "list(parse(open(sys.argv[1]).read()))"
)


def families(samples: int, *, spaced: bool) -> Iterator[str]:
    """Families until there are so many samples; the same for every run."""
    dice = random.Random(20261125)
    pod = 'pod="{}"'
    count = number = 0
    while count < samples:
        number += 1
        if number % 3 == 0:
            name = f"engine_request_phase_{number}_seconds"
            lines = [f"# HELP {name} Time of phase {number}.", f"# TYPE {name} histogram"]
            for one in range(40):
                label, total = pod.format(f"p-{one}"), 0
                for bound in BOUNDS:
                    total += dice.randrange(100)
                    lines.append(f'{name}_bucket{{le="{bound}",{label}}} {total}.0')
                lines += [f"{name}_count{{{label}}} {total}.0", f"{name}_sum{{{label}}} {dice.random() * 1000}"]
        else:
            kind = "counter" if number % 3 == 1 else "gauge"
            name = f"engine_tokens_{number}_total" if kind == "counter" else f"engine_queue_{number}"
            lines = [f"# HELP {name} Something.", f"# TYPE {name} {kind}"]
            for one in range(100):
                label = pod.format(f"p-{one}")
                lines.append(f'{name}{{model_name="m",{label}}} {dice.randrange(10**6)}.0')
        count += len(lines) - 2
        text = "\n".join(lines) + "\n"
        yield text.replace("} ", "}  ") if spaced else text


def tools(file: Path) -> list[Tool]:
    trueup = Path(sys.executable).with_name("trueup")
    promtool = shutil.which("promtool") or fail("promtool is not on PATH: apt-get install prometheus")
    return [
        Tool("trueup metrics FILE", [str(trueup), "metrics", str(file)], nothing),
        # Its lints have an exit code of their own.
        Tool("promtool check metrics", ["sh", "-c", f'"{promtool}" check metrics < "{file}" || true'], nothing),
        Tool("prometheus-client's parser", [sys.executable, "-c", PARSE, str(file)], nothing),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--samples", default="40000,400000", help="sizes, with commas")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for size in map(int, args.samples.split(",")):
            for spaced in (False, True):
                file = Path(folder) / "exposition.prom"
                with open(file, "w", encoding="utf-8") as out:
                    out.writelines(families(size, spaced=spaced))
                kind = "two spaces in every line" if spaced else "as clients write it"
                print(f"{size:,} samples, {file.stat().st_size / 1e6:.1f} MB, {kind}\n")
                measured = rounds(tools(file), Path(folder), args.runs)
                first = measured["promtool check metrics"]
                rows = []
                for name, samples in measured.items():
                    wall, wide = spread([one.wall_s for one in samples])
                    ratio = median([one.wall_s / other.wall_s for one, other in zip(samples, first, strict=True)])
                    cpu = median([one.cpu_s for one in samples])
                    peak = max(one.peak_bytes for one in samples) / 1e6
                    rows.append([name, wall, wide, f"{cpu:.3f}", f"{ratio:.2f}", f"{peak:.0f}"])
                table(["", "wall s", "range", "CPU s", "wall, of promtool's", "peak MB"], rows)


if __name__ == "__main__":
    main()
