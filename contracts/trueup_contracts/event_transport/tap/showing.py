"""A line for each event, for eyes: aligned columns, colours on a terminal alone, nothing acted out."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from trueup.reports.escape import visible
from trueup_contracts.event_transport.codec import Decoded, Unreadable
from trueup_contracts.event_transport.codec.messagepack import Pairs, read
from trueup_contracts.event_transport.tap.watching import Seen

Piece = tuple[str, str]  # text and style
# Heading and width of each column; the last one is as long as it is.
COLUMNS = (
    ("time", 12),
    ("sequence", -9),
    ("event", 9),
    ("blocks", -9),
    ("first hash", 17),
    ("parent", 17),
    ("medium", 10),
    ("group", 5),
    ("lora", 14),
    ("more", 0),
)
NAMES = {
    "BlockStored": ("stored", "green"),
    "BlockRemoved": ("removed", "red"),
    "AllBlocksCleared": ("cleared", "bold magenta"),
    "BlockTransferred": ("moved", "cyan"),
}


class Output(Protocol):
    """Where lines go."""

    def line(self, pieces: Sequence[Piece]) -> None:
        """One line of styled pieces."""


class Plain:
    """Lines without colours."""

    def __init__(self, write: Any) -> None:
        self._write = write

    def line(self, pieces: Sequence[Piece]) -> None:
        """The line's text."""
        self._write("".join(text for text, _ in pieces).rstrip() + "\n")


class Terminal:
    """Lines with colours, by rich."""

    def __init__(self) -> None:
        from rich.console import Console

        self._console = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)

    def line(self, pieces: Sequence[Piece]) -> None:
        """The line in its styles."""
        from rich.text import Text

        self._console.print(Text.assemble(*pieces), soft_wrap=True)


def heading(several: bool) -> list[Piece]:
    """The line above the columns."""
    lead = [("#   ", "dim")] if several else []
    return [*lead, (" ".join(_fit(name, width) for name, width in COLUMNS), "dim")]


def lines(seen: Seen, several: bool) -> Iterator[list[Piece]]:
    """The lines of a message: what was noticed before it, its events, what they break."""
    lead = [(f"#{seen.source:<3}", "dim")] if several else []
    when = (_clock(seen.at), "dim")
    if seen.message is None:
        yield [*lead, when, ("  malformed  ", "bold red"), (visible(seen.wrong), "red")]
        return
    if seen.note is not None:
        yield [*lead, when, (f"  {seen.note.kind}  ", "bold yellow"), (seen.note.told, "yellow")]
    if seen.message.format == "B":
        yield [*lead, *_plane(when, seen.message)]
    elif not seen.message.events:
        yield [*lead, *_row(when, seen.message.sequence, ("no event", "dim"), {})]
    for event in seen.message.events:
        yield [*lead, *_event(when, seen.message, event)]
    for breach in seen.breaches:
        yield [*lead, when, (f"  {breach.law}  ", "bold red"), (visible(breach.what), "red")]


def connection(endpoint: str, at: float, connected: bool) -> list[Piece]:
    """The line of a connection that was made or lost."""
    what = ("connected  ", "bold green") if connected else ("disconnected  ", "bold yellow")
    return [(_clock(at), "dim"), ("  ", ""), what, (visible(endpoint), "")]


def _event(when: Piece, message: Decoded, event: dict[str, Any]) -> list[Piece]:
    tag = event["type"]
    name, style = NAMES.get(tag, (tag, "yellow"))
    return _row(when, message.sequence, (name, style), event)


def _row(when: Piece, sequence: int, name: Piece, event: dict[str, Any]) -> list[Piece]:
    hashes = event.get("block_hashes", ())
    size = event.get("block_size")
    count = "" if "block_hashes" not in event else f"{len(hashes)} x {size}" if size is not None else f"{len(hashes)}"
    moved = f"{event.get('from_medium')} > {event.get('to_medium')}" if "from_medium" in event else None
    medium = moved if moved is not None else event.get("medium")
    cells = [
        when,
        (str(sequence), ""),
        name,
        (count, ""),
        (digits(hashes[0]) if hashes else "", "bold"),
        (_parent(event), "dim"),
        (_or_dash(medium), ""),
        (_or_dash(event.get("group_idx")), ""),
        (_or_dash(event.get("lora_name", event.get("lora_id"))), "blue"),
        (_more(event), "dim"),
    ]
    return [
        piece
        for (text, style), (_, width) in zip(cells, COLUMNS, strict=True)
        for piece in ((_fit(visible(text), width), style), (" ", ""))
    ]


def _parent(event: dict[str, Any]) -> str:
    if "parent_block_hash" not in event:
        return ""
    parent = event["parent_block_hash"]
    return "root" if parent is None else digits(parent)


def _more(event: dict[str, Any]) -> str:
    told = []
    if event.get("cache_salt") is not None or event.get("metadata"):
        told.append("salted")
    if event.get("extra_keys") and any(event["extra_keys"]):
        told.append("extra keys")
    if event.get("kv_cache_spec_kind") not in (None, "full_attention"):
        window = event.get("kv_cache_spec_sliding_window")
        told.append(f"{event['kv_cache_spec_kind']}{'' if window is None else f' {window}'}")
    for name in ("locality", "ownership", "session_id", "token_offset"):
        if event.get(name) is not None:
            told.append(f"{name} {event[name]}")
    if event.get("unknown"):
        told.append(f"unknown: {', '.join(event['unknown'])}")
    return ", ".join(told)[:200]


def _plane(when: Piece, message: Decoded) -> list[Piece]:
    payload: bytes = message.batch["payload"]
    return [
        (f"{when[0]:<12} ", "dim"),
        (f"{message.sequence:>9} ", ""),
        (f"publisher {message.publisher_id:x}  ", "cyan"),
        (f"{len(payload):>7} bytes  ", ""),
        (visible(_fit(message.topic, 30)), ""),
        (f" {visible(_described(payload))}", "dim"),
    ]


def _described(payload: bytes) -> str:
    """What an opaque payload looks like."""
    try:
        value = read(payload[: 1 << 16])
    except Unreadable:
        return ""
    if isinstance(value, dict):
        return f"map: {', '.join(list(value)[:6])}"[:60]
    return "map" if isinstance(value, Pairs) else f"array of {len(value)}" if isinstance(value, list) else ""


def digits(tagged: dict[str, str]) -> str:
    """Sixteen digits of a hash: a number's two's complement in hex, or the first bytes of a digest."""
    [(kind, text)] = tagged.items()
    if kind == "bytes":
        return text if len(text) <= 16 else f"{text[:16]}…"
    return f"{int(text) % (1 << 64):016x}"


def _clock(at: float) -> str:
    try:
        return f"{time.strftime('%H:%M:%S', time.localtime(at))}.{int(at * 1_000) % 1_000:03}"
    except (ValueError, OverflowError, OSError):
        return "--:--:--.---"


def _or_dash(value: object) -> str:
    return "-" if value is None else str(value) or '""'


def _fit(text: str, width: int) -> str:
    """The text in so many columns; a negative width aligns to the right, 0 leaves it alone."""
    if not width:
        return text
    if len(text) > abs(width):
        text = f"{text[: abs(width) - 1]}…"
    return f"{text:>{-width}}" if width < 0 else f"{text:<{width}}"
