"""Times `trueup versions`: whole processes, interpreter and all. Figures only; nothing here passes or fails.

    python benchmarks/drift.py PATH-OF-A-CLONE …

For each clone: the state, with what is read by default and with every file; and the hook, on a change of one line that
moves a version, with every file read. The hook's change is staged in a copy of the clone. docs/benchmarks.md says more.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from links import find_program, version_of
from measure import Tool, environment, fail, nothing, rounds, spread, table

EVERYTHING = "[version-pins]\nexclude = []\n"


def git(folder: Path, *args: str) -> str:
    done = subprocess.run(["git", *args], cwd=folder, capture_output=True, text=True, check=False, env=environment())
    if done.returncode != 0:
        fail(f"{folder}: {done.stderr.strip()}")
    return done.stdout


def staged_bump(clone: Path, copy: Path, trueup: str, config: Path) -> tuple[str, int]:
    """A copy of a clone in which one place of the thing with the most places has another version, staged."""
    git(clone, "clone", "--quiet", "--shared", "--no-checkout", str(clone), str(copy))
    subprocess.run(["git", "checkout", "-q", "-f", "HEAD"], cwd=copy, check=False, capture_output=True)
    listed = subprocess.run(
        [trueup, "versions", "list", "--json", "--config", str(config)],
        cwd=copy,
        capture_output=True,
        text=True,
        check=True,
        env=environment(),
    )
    rows = [row for row in json.loads(listed.stdout) if len({place["version"] for place in row["places"]}) == 1]
    if not rows:
        fail(f"{clone}: nothing stands at one version in several places")
    row = max(rows, key=lambda row: (row["places"][0]["version"].count(".") > 1, len(row["places"])))
    place = row["places"][0]
    path = copy / place["path"]
    lines = path.read_bytes().split(b"\n")
    old = place["version"].encode()
    lines[place["line"] - 1] = lines[place["line"] - 1].replace(old, old[:-1] + (b"8" if old[-1:] != b"8" else b"7"))
    path.write_bytes(b"\n".join(lines))
    git(copy, "add", place["path"])
    return row["thing"], len(row["places"])


def measure(clone: Path, trueup: str, runs: int) -> None:
    files = len(git(clone, "ls-files").splitlines())
    with tempfile.TemporaryDirectory() as folder:
        every = Path(folder) / "trueup.toml"
        every.write_text(EVERYTHING, encoding="utf-8")
        copy = Path(folder) / "copy"
        thing, places = staged_bump(clone, copy, trueup, every)
        hook = Tool("the hook", [trueup, "versions", "--staged", "--since", "HEAD", "--config", str(every)], nothing)
        tools = [
            Tool("the state", [trueup, "versions"], nothing),
            Tool("the state, every file", [trueup, "versions", "--config", str(every)], nothing),
            Tool("trueup --version", [trueup, "--version"], nothing),
        ]
        samples = {**rounds(tools, clone, runs), **rounds([hook], copy, runs)}
    print(f"{clone.name}: {files:,} files; the hook's change: 1 of {places} places of {thing}\n")
    header = ("", "wall s", "range", "CPU s", "range", "peak MB")
    rows = [
        (
            name,
            *spread([one.wall_s for one in found]),
            *spread([one.cpu_s for one in found]),
            f"{max(one.peak_bytes for one in found) / 1e6:.0f}",
        )
        for name, found in samples.items()
    ]
    table(header, rows)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clones", nargs="+", type=Path, metavar="CLONE")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--trueup", metavar="PATH")
    args = parser.parse_args()
    trueup = find_program("trueup", args.trueup) or fail("trueup is not on PATH")
    print(f"{version_of(trueup)}, Python {sys.version.split()[0]}\n")
    for clone in args.clones:
        measure(clone.resolve(), trueup, args.runs)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
