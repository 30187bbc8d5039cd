"""Replays a repository's history: what `trueup versions --since PARENT` says of each commit that moves a version.

    python benchmarks/replay_versions.py CLONE [--commits 200] > findings.jsonl
    python benchmarks/replay_versions.py CLONE --again findings.jsonl > again.jsonl

The second replays only the commits that had findings: what they come to after a change of trueup.

CLONE is a clone that nobody else uses: commit after commit is checked out there. For each finding the later history
of its file is read: the commit that took the old version away there, if one did, is the best witness that it was true.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from trueup.checks import Options
from trueup.config import Config
from trueup.repo import open_view
from trueup.versions import numbers
from trueup.versions.check import start
from trueup.versions.model import Unreadable
from trueup.versions.readers import read_pins


def git(clone: Path, *args: str) -> str:
    done = subprocess.run(["git", *args], cwd=clone, capture_output=True, check=True)
    return done.stdout.decode("utf-8", "surrogateescape")


def replay(clone: Path, most: int, commits: list[str]) -> Iterator[dict[str, Any]]:
    """A record for each commit that moves a version: `moves` and `findings`."""
    tip = git(clone, "rev-parse", "HEAD").strip()
    found = 0
    try:
        for commit in commits or git(clone, "rev-list", "--first-parent", "HEAD").split()[:-1]:
            # Objects that a partial copy lacks make checkout complain and go on.
            subprocess.run(["git", "checkout", "-q", "-f", commit], cwd=clone, capture_output=True, check=False)
            view = open_view(str(clone), named=True)
            try:
                outcome = start(view, Config(), Options(since=f"{commit}^1"))()
            finally:
                view.close()
            moves = [note.message for note in outcome.notes if " -> " in note.message]
            if not moves:
                continue
            found += 1
            yield {
                "commit": commit,
                "date": git(clone, "show", "-s", "--format=%cs", commit).strip(),
                "subject": git(clone, "show", "-s", "--format=%s", commit).strip(),
                "moves": moves,
                "findings": [
                    {
                        "place": f"{one.path}:{one.line}",
                        "severity": str(one.severity),
                        "thing": one.target,
                        "message": one.message,
                        "mended": mended(clone, commit, tip, one.path, one.target),
                    }
                    for one in outcome.findings
                    if one.rule == "versions/partial-bump"
                ],
            }
            if found >= most:
                return
    finally:
        subprocess.run(["git", "checkout", "-q", "-f", tip], cwd=clone, capture_output=True, check=False)


def versions_at(clone: Path, commit: str, path: str, thing: str) -> list[str] | None:
    """The versions of a thing in a file at a commit; `None` where the file is not there."""
    done = subprocess.run(["git", "show", f"{commit}:{path}"], cwd=clone, capture_output=True, check=False)
    if done.returncode != 0:
        return None
    try:
        pins = read_pins(path, done.stdout.decode("utf-8", "surrogateescape"))
    except Unreadable:
        return []
    return sorted(pin.version for pin in pins if pin.thing.replace("#", "") == thing)


def mended(clone: Path, commit: str, tip: str, path: str, thing: str) -> str | None:
    """The next commit after which the thing's versions in this file are others, and what they became."""
    before = versions_at(clone, commit, path, thing)
    for later in reversed(git(clone, "rev-list", "--first-parent", f"{commit}..{tip}", "--", path).split()):
        after = versions_at(clone, later, path, thing)
        if after != before:
            said = git(clone, "show", "-s", "--format=%h %cs %s", later).strip()
            gone = sorted({one for one in before or [] if not any(numbers.same(one, new) for new in after or [])})
            return f"{said}: {gone} -> {'(no file)' if after is None else sorted(set(after))}"
    return None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clone", type=Path)
    parser.add_argument(
        "--commits", type=int, default=200, metavar="N", help="stop after N commits that move a version"
    )
    parser.add_argument("--again", type=Path, metavar="FILE", help="only the commits that have findings there")
    args = parser.parse_args()
    again: list[str] = []
    if args.again is not None:
        records = [json.loads(line) for line in args.again.read_text("utf-8").splitlines()]
        again = [record["commit"] for record in records if record["findings"]]
    for record in replay(args.clone, args.commits, again):
        print(json.dumps(record), flush=True)
        print(f"{record['commit'][:9]} {record['subject'][:70]}: {len(record['findings'])}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
