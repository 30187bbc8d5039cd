"""Writes pathological Markdown: input on which parsers and checkers have taken quadratic time or worse.

    python benchmarks/make_hostile.py --list
    python benchmarks/make_hostile.py CASE N FOLDER

Each case grows linearly with N, so that the time of a linear program does too.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple


class Case(NamedTuple):
    """Files (path to text) for any n, and the n to begin with."""

    n: int
    make: Callable[[int], dict[str, str]]


def _one(n: int, text: Callable[[int], str]) -> Case:
    return Case(n, lambda n: {"page.md": text(n)})


def _lines(form: str) -> Callable[[int], str]:
    return lambda n: "".join(form.format(number) for number in range(n))


def _same_folder(n: int) -> dict[str, str]:
    files = {f"pages/page-{number}.md": "" for number in range(n)}
    return files | {"page.md": _lines("[a](pages/pge-{0}x.md)\n")(n)}


def _same_name(n: int) -> dict[str, str]:
    files = {f"folder-{number}/topic.md": "" for number in range(n)}
    return files | {"page.md": _lines("[a](gone-{0}/topic.md)\n")(n)}


def _fragments_of_many(n: int) -> dict[str, str]:
    files = {f"page-{number}.md": "[a](target.md#gone)\n" for number in range(n // 10)}
    return files | {"target.md": _lines("# Heading {0}\n")(n)}


ORDINARY = "A paragraph of *ordinary* text with [a link](page.md) and `code` in it, on a line of its own.\n\n"

CASES: dict[str, Case] = {
    # Nesting
    "quotes 10,000 deep": _one(10_000, lambda n: ">" * n + " text\n"),
    "lists 10,000 deep": _one(10_000, lambda n: "- " * n + "text\n"),
    "lists and quotes in turn": _one(10_000, lambda n: "> - " * n + "text\n"),
    "brackets 10,000 deep": _one(10_000, lambda n: "[" * n + "a" + "]" * n + "(page.md)\n"),
    "images 10,000 deep": _one(10_000, lambda n: "![" * n + "a" + "](page.md)" * n + "\n"),
    "parentheses in a target": _one(10_000, lambda n: "[a](" + "(" * n + ")" * n + ")\n"),
    "HTML elements 10,000 deep": _one(10_000, lambda n: "<b>" * n + "</b>" * n + "\n"),
    "emphasis 10,000 deep": _one(10_000, lambda n: "*a **a " * n + "b" + " a** a*" * n + "\n"),
    # Opened and never closed
    "unclosed brackets": _one(200_000, lambda n: "[" * n + "\n"),
    "unclosed images": _one(100_000, lambda n: "![" * n + "\n"),
    "unclosed links": _one(50_000, lambda n: "[a](" * n + "\n"),
    "unclosed link titles": _one(50_000, lambda n: '[a](b "' * n + "\n"),
    "unclosed angle brackets": _one(200_000, lambda n: "<" * n + "\n"),
    "unclosed backticks": _one(1_000, lambda n: " ".join("`" * (k % 200 + 1) for k in range(n)) + "\n"),
    "unclosed comments": _one(50_000, lambda n: "<!--" * n + "\n"),
    "unclosed comments in text": _one(50_000, lambda n: "a <!-- " * n + "\n"),
    "unclosed tags": _one(50_000, lambda n: "<a href=" * n + "\n"),
    "unclosed attributes": _one(50_000, lambda n: '<a href="' * n + "\n"),
    "unclosed headings": _one(50_000, lambda n: "<h1>" * n + "\n"),
    "unclosed instructions": _one(50_000, lambda n: "a <? <!A <![CDATA[ " * n + "\n"),
    "unclosed emphasis": _one(100_000, lambda n: "*a_" * n + "\n"),
    "unclosed fences": _one(20_000, lambda n: "```\na\n````\n~~~\n" * n),
    "unclosed ignore comments": _one(20_000, lambda n: "<!-- trueup: ignore " * n + "\n"),
    # Long lines and large files
    "a line of words": _one(2_000_000, lambda n: "word " * (n // 5) + "\n"),
    "a line of links": _one(20_000, lambda n: "[a](page.md) " * n + "\n"),
    "a line of bare URLs": _one(20_000, lambda n: "https://example.com/a " * n + "\n"),
    "one long bare URL": _one(500_000, lambda n: "https://example.com/" + "a)" * n + "\n"),
    "www. without end": _one(100_000, lambda n: "www." * n + "\n"),
    "e-mail without end": _one(200_000, lambda n: "a.b-" * n + "@\n"),
    "a line of entities": _one(100_000, lambda n: "&amp;&#35;&nosuch; " * n + "\n"),
    "a line of backslashes": _one(1_000_000, lambda n: "\\" * n + "\n"),
    "one long target": _one(200_000, lambda n: "[a](" + "../" * n + ")\n"),
    "one long srcset": _one(50_000, lambda n: '<img srcset="' + "page.md 1x, " * n + '">\n'),
    "a wide table": _one(20_000, lambda n: "|a" * n + "|\n" + "|-" * n + "|\n" + "|b" * n + "|\n"),
    "50 MB of text": _one(12_500_000, lambda n: ORDINARY * (n // len(ORDINARY))),
    # Many of a kind in one file
    "equal headings": _one(20_000, lambda n: "# a\n" * n),
    "headings numbered by hand": _one(20_000, lambda n: _lines("# a-{0}\n")(n) + "# a\n" * n),
    "footnotes": _one(10_000, lambda n: _lines("[^{0}] ")(n) + "\n\n" + _lines("[^{0}]: text\n\n")(n)),
    "definitions and uses": _one(10_000, lambda n: _lines("[a][{0}]\n")(n) + "\n" + _lines("[{0}]: page.md\n")(n)),
    "references without definition": _one(10_000, _lines("[text][gone {0}]\n")),
    "labels near a definition": _one(
        2_000, lambda n: _lines("[label number {0}x]\n")(n) + "\n" + _lines("[label number {0}]: page.md\n")(n)
    ),
    "broken links, all alike": _one(10_000, lambda n: "[a](gone.md)\n" * n),
    "broken links, all different": _one(5_000, _lines("[a](gone-{0}.md)\n")),
    "broken links, percent-encoded": _one(5_000, _lines("[a](gone%20{0}.md)\n")),
    "broken fragments and headings": _one(
        2_000, lambda n: _lines("# Heading {0}\n")(n) + _lines("[a](#gone-{0})\n")(n)
    ),
    "ignore comments": _one(5_000, _lines("<!-- trueup: ignore links/missing-file: why -->\n[a](gone-{0}.md)\n\n")),
    # Many files
    "broken links into one folder": Case(2_000, _same_folder),
    "broken links to one name": Case(2_000, _same_name),
    "one broken fragment, many files": Case(5_000, _fragments_of_many),
}


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0], allow_abbrev=False)
    parser.add_argument("--list", action="store_true", help="print each case's first N and its name")
    parser.add_argument("case", nargs="?", choices=list(CASES), metavar="CASE")
    parser.add_argument("n", nargs="?", type=int, metavar="N")
    parser.add_argument("folder", nargs="?", type=Path, metavar="FOLDER")
    args = parser.parse_args(argv)
    if args.list:
        for name, case in CASES.items():
            print(case.n, name)
        return 0
    if args.folder is None:
        parser.error("CASE, N and FOLDER are needed, or --list")
    for path, text in CASES[args.case].make(args.n).items():
        place = args.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(text.encode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
