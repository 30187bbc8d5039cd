"""Server-sent events, read as their bytes come in.

Source: the HTML standard, "Server-sent events", with two differences: of the fields only `event` and `data` are kept,
and what is not UTF-8 is left to whoever reads the data.
"""

from __future__ import annotations


class TooLong(ValueError):
    """More bytes than one event may have, and no end of it."""


class EventReader:
    """Takes pieces of a stream and gives the events that have become whole, as pairs of name and data."""

    __slots__ = ("_left", "_limit", "_searched", "_start")

    def __init__(self, limit: int) -> None:
        """`limit`: bytes of one event; comments count as events of their own."""
        self._left = bytearray()
        self._limit = limit
        self._searched = 0  # of what is left, bytes in which no event ends
        self._start = True

    def feed(self, piece: bytes) -> list[tuple[bytes, bytes]]:
        """The events that this piece ends. Comments, and fields that are not known, are left out. Raises `TooLong`."""
        if self._start:
            piece = self._begin(piece)
        if not self._left and piece.endswith(b"\n\n") and b"\r" not in piece and len(piece) <= self._limit:
            return _events(piece)  # what a worker writes at once mostly comes at once
        left = self._left
        left += piece
        if b"\r" in left:
            self._normalise()
        end = left.rfind(b"\n\n", max(0, self._searched - 1))
        self._searched = len(left)
        if end < 0:
            if len(left) > self._limit:
                raise TooLong(f"an event of more than {self._limit} bytes")
            return []
        whole = bytes(left[: end + 2])
        del left[: end + 2]
        self._searched = len(left)
        if len(left) > self._limit or (len(whole) > self._limit and _longest(whole) > self._limit):
            raise TooLong(f"an event of more than {self._limit} bytes")
        return _events(whole)

    def _begin(self, piece: bytes) -> bytes:
        """Without a byte-order mark."""
        whole = bytes(self._left) + piece
        if len(whole) < 3 and b"\xef\xbb\xbf".startswith(whole):
            self._left[:] = whole
            return b""
        self._start = False
        self._left.clear()
        return whole.removeprefix(b"\xef\xbb\xbf")

    def _normalise(self) -> None:
        """Line ends as one byte; a CR at the very end may be half of one and stays."""
        left = self._left
        half = left.endswith(b"\r")
        if half:
            del left[-1]
        left[:] = left.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        if half:
            left += b"\r"
        self._searched = 0


def _longest(whole: bytes) -> int:
    return max(len(block) for block in whole.split(b"\n\n"))


def _events(whole: bytes) -> list[tuple[bytes, bytes]]:
    found = []
    for block in whole.split(b"\n\n"):
        if block.startswith(b"event: ") and block.count(b"\n") == 1:
            name, _, data = block.partition(b"\n")
            if data.startswith(b"data: "):
                found.append((name[7:], data[6:]))
                continue
        if block:
            event = _event(block)
            if event is not None:
                found.append(event)
    return found


def _event(block: bytes) -> tuple[bytes, bytes] | None:
    name, data = b"message", []
    for line in block.split(b"\n"):
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"event":
            name = value or b"message"
        elif field == b"data":
            data.append(value)
    return (name, b"\n".join(data)) if data else None
