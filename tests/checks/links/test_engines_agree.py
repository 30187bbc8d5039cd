"""pyromark against the pure-Python engine: the examples of the specifications, and real documents.

A folder of documents is compared when the environment variable TRUEUP_CORPUS names one (or several,
separated as in PATH): every `.md` file under it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from trueup.links.document import Dialect, Document, Engine, Kind, Scan
from trueup.links.engines import load
from trueup.links.engines.markdown_it import MarkdownItEngine
from trueup.links.sources import decode

pytest.importorskip("pyromark")

DATA = Path(__file__).parent / "data" / "engines"
EXAMPLES = {name: json.loads((DATA / f"{name}.json").read_text("utf-8")) for name in ("commonmark-0.31.2", "gfm-0.29")}
KNOWN = json.loads((DATA / "differences.json").read_text("utf-8"))


CORPUS = os.environ.get("TRUEUP_CORPUS", "")  # read now: no test sees the caller's environment


def _quoted(text: str) -> str:
    return "".join("> " + line for line in text.splitlines(keepends=True))


def _listed(text: str) -> str:
    return "".join(("  " if number else "- ") + line for number, line in enumerate(text.splitlines(keepends=True)))


FORMS: dict[str, tuple[Dialect, Callable[[str], str]]] = {
    "as it is": (Dialect.GFM, str),
    "attributes": (Dialect.GFM_ATTRIBUTES, str),
    "html": (Dialect.HTML, str),
    "crlf": (Dialect.GFM, lambda text: text.replace("\n", "\r\n")),
    "cr": (Dialect.GFM, lambda text: text.replace("\n", "\r")),
    "not ascii": (Dialect.GFM, lambda text: "é𝄞\n\n" + text),
    "quoted": (Dialect.GFM, _quoted),
    "listed": (Dialect.GFM, _listed),
}


def differences(source: str, dialect: Dialect, one: Engine, other: Engine) -> dict[str, str]:
    """The aspects in which the engines differ, each with both sides."""
    scans = [one.scan(source, dialect), other.scan(source, dialect)]
    documents = [one.locate(source, dialect), other.locate(source, dialect)]
    for scan, document in zip(scans, documents, strict=True):
        scan_targets, document_targets = set(scan.targets), {link.target for link in document.links}
        if scan_targets != document_targets:
            return {"targets": f"scan {sorted(scan_targets)}, locate {sorted(document_targets)}"}
    aspects: dict[str, list[Any]] = {
        "targets": [sorted(scan.targets) for scan in scans],
        "link count": [scan.link_count for scan in scans],
        "headings": [[(" ".join(h.text.split()), h.explicit_id) for h in scan.headings] for scan in scans],
        "ids": [sorted(set(scan.ids)) for scan in scans],
        "undefined": [_undefined(scan, document) for scan, document in zip(scans, documents, strict=True)],
        "definitions": [sorted(document.definitions) for document in documents],
        "comments": [sorted(document.comments) for document in documents],
        "places": [sorted(document.links, key=_order) for document in documents],
    }
    return {aspect: f"{a!r} / {b!r}" for aspect, (a, b) in aspects.items() if a != b}


def _order(link: object) -> str:
    return repr(link)


def _undefined(scan: Scan, document: Document) -> list[tuple[str, str, int, int]]:
    """Without shortcuts inside a bare URL: GitHub makes them part of it, pulldown-cmark has never heard of it."""
    urls = [(link.start_byte, link.end_byte) for link in document.links if link.kind is Kind.BARE]
    return sorted(
        (reference.label, reference.form, reference.start_byte, reference.end_byte)
        for reference in scan.undefined
        if reference.form != "shortcut" or not any(start <= reference.start_byte < end for start, end in urls)
    )


@pytest.fixture(scope="module")
def engines() -> tuple[Engine, Engine]:
    return MarkdownItEngine(), load("pyromark")


def test_the_examples_are_all_there() -> None:
    assert {name: len(examples) for name, examples in EXAMPLES.items()} == {"commonmark-0.31.2": 652, "gfm-0.29": 41}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("file", EXAMPLES)
def test_examples(engines: tuple[Engine, Engine], file: str, form: str) -> None:
    """Differs only where the list says so, and everywhere where it says so."""
    dialect, change = FORMS[form]
    found: dict[tuple[int, str], str] = {}
    for example in EXAMPLES[file]:
        for aspect, sides in differences(change(example["markdown"]), dialect, *engines).items():
            found[example["example"], aspect] = sides
    listed = {(known["example"], known["aspect"]) for known in KNOWN if (known["file"], known["form"]) == (file, form)}
    assert {key: sides for key, sides in found.items() if key not in listed} == {}
    assert listed - set(found) == set(), "these no longer differ: take them off the list"


def test_every_known_difference_has_a_reason() -> None:
    for known in KNOWN:
        assert known["file"] in EXAMPLES
        assert known["form"] in FORMS
        assert len(known["reason"]) > 20


def _corpus() -> Iterator[Path]:
    for folder in filter(None, CORPUS.split(os.pathsep)):
        yield from sorted(Path(folder).rglob("*.md"))


@pytest.mark.skipif(not CORPUS, reason="TRUEUP_CORPUS names no folder of documents")
@pytest.mark.parametrize("dialect", [Dialect.GFM, Dialect.GFM_ATTRIBUTES])
def test_real_documents(engines: tuple[Engine, Engine], dialect: Dialect) -> None:
    found: dict[str, Any] = {}
    count = 0
    for path in _corpus():
        if path.is_file() and not path.is_symlink():
            count += 1
            if differing := differences(decode(path.read_bytes()).text, dialect, *engines):
                found[str(path)] = differing
    assert count > 0
    assert found == {}


def test_the_comparison_sees_differences() -> None:
    """A comparison that finds nothing anywhere would be green too."""

    class Deaf(MarkdownItEngine):
        def locate(self, source: str, dialect: Dialect) -> Document:
            return super().locate(source.replace("# ", "").replace("[a]", "(a)"), dialect)

    engine = MarkdownItEngine()
    assert set(differences("# T\n\n[a](b)\n", Dialect.GFM, engine, Deaf())) == {
        "targets",
        "link count",
        "headings",
        "places",
    }
    assert engine.locate("[a](b)", Dialect.GFM).links[0].kind is Kind.LINK
