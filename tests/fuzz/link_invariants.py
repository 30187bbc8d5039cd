"""What must hold for any bytes at all: shared by the hypothesis tests and the coverage-guided fuzzer."""

from __future__ import annotations

from trueup.links import engines
from trueup.links.document import Dialect, Document, Engine
from trueup.links.html_tags import comments_of, ids_of, targets_of
from trueup.links.slug import FLAVOURS, anchors, slugs_for
from trueup.links.sources import Lines, Source, decode
from trueup.links.spots import spots_of
from trueup.suppression.comments import parse

ENGINES: tuple[Engine, ...] = (engines.load("pyromark"), engines.load("markdown-it"))


def check_source(data: bytes) -> None:
    """Both engines read any file, and every place that they name lies in it."""
    source = decode(data)
    size = len(source.text.encode("utf-8", "surrogatepass"))
    assert size + source.bom_bytes == len(data)
    assert (source.bad_byte is not None) == (not _is_utf8(data))
    for engine in ENGINES:
        for dialect in Dialect:
            _check_engine(engine, dialect, source, size)


def _check_engine(engine: Engine, dialect: Dialect, source: Source, size: int) -> None:
    scan = engine.scan(source.text, dialect)
    document = engine.locate(source.text, dialect)
    for start, end in _places(document):
        assert 0 <= start <= end <= size, (engine.name, dialect, start, end, size)
    for target in scan.targets:
        assert target.isascii(), (engine.name, dialect, target)
    spots = spots_of(engine, source.text.encode("utf-8", "surrogatepass"), dialect, scan.targets)
    assert spots.keys() == scan.targets.keys()
    parse(source.text, document.comments)
    for flavour in FLAVOURS:
        for anchor in anchors(scan.headings, scan.ids, flavour):
            assert anchor


def _places(document: Document) -> list[tuple[int, int]]:
    links = [(link.start_byte, link.end_byte) for link in document.links]
    undefined = [(reference.start_byte, reference.end_byte) for reference in document.undefined]
    return [*links, *undefined, *document.comments]


def check_lines(data: bytes) -> None:
    """Every byte has a line and a column, and they never go back; nothing stands in a byte-order mark."""
    lines = Lines(data)
    last = (1, 1)
    for offset in range(decode(data).bom_bytes, len(data) + 1):
        here = lines.place(offset)
        assert here >= last, (offset, here, last)
        last = here


def check_text(text: str) -> None:
    """Slugs hold nothing that a fragment cannot; the HTML reader ends on anything."""
    for flavour in FLAVOURS:
        for slug in slugs_for(text, flavour):
            assert " " not in slug
            assert "\n" not in slug
    for _, start, end in targets_of(text):
        assert 0 <= start <= end <= len(text)
    list(ids_of(text))
    for start, end in comments_of(text):
        assert 0 <= start < end <= len(text)


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
