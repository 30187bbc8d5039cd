"""Makes text from a checked repository harmless in each format.

File names and link targets are hostile input: they may hold terminal escapes, newlines that begin
a workflow command, characters that reorder the line for the eye, and bytes that are not UTF-8
(which Python holds as lone surrogates). Every report shows such characters instead of acting them out.
"""

from __future__ import annotations

import re

# C0, DEL and C1 controls; zero-width space, word joiner and byte-order mark; line and paragraph separators;
# bidirectional embeddings, overrides and isolates; lone surrogates; and what XML 1.0 forbids besides.
_HARMFUL = "\x00-\x1f\x7f-\x9f\u200b\u2028-\u202e\u2060\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff"
_UNSHOWN = re.compile(f"[{_HARMFUL}]")
_JSON_HARMFUL = re.compile(r"[\x7f-\x9f\u200b\u2028-\u202e\u2060\u2066-\u2069\ufeff\ufffe\uffff]|##(?=\[)")
_SURROGATE = re.compile("[\ud800-\udfff]")
_NAMED = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}
# Every ASCII character that can mean something to GitHub's Markdown, mentions, emoji and formulas included.
_MARKDOWN = re.compile(r"[\\`*_{}\[\]<>()#+!|&~@:$^=\"']|(?<=www)\.")


def visible(text: str) -> str:
    r"""The text on one line, with every harmful character spelt out: `\n`, `\x1b`, `\u202e`.

    A byte that is not UTF-8 is shown as that byte (`\x80`). Backslashes stay as they are: this is for eyes.
    """
    return _UNSHOWN.sub(_spelt, text)


def encodable(text: str) -> str:
    r"""The text with lone surrogates alone spelt out, so that it can be written as UTF-8."""
    return _SURROGATE.sub(_spelt, text)


def log_line(text: str) -> str:
    r"""One line for a terminal or a job's log, where GitHub's runner obeys some lines.

    The runner takes a line that begins (after white space) with `::` for a command, and also the
    older form, `##[command]`, *anywhere* in a line.
    """
    line = visible(text).replace("##[", r"##\[")
    stripped = line.lstrip()
    return r"\x3a:" + stripped[2:] if stripped.startswith("::") else line


def workflow_data(text: str) -> str:
    """The message of a workflow command; a newline in it stays a newline of the annotation."""
    return text.replace("##[", r"##\[").replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def workflow_property(text: str) -> str:
    """The value of a property (`file=`, `title=`) of a workflow command."""
    return workflow_data(text).replace(":", "%3A").replace(",", "%2C")


def markdown(text: str) -> str:
    """Text for a cell of a Markdown table, shown as it is whatever it holds."""
    return _MARKDOWN.sub(lambda found: f"&#{ord(found[0])};", visible(text))


def path_bytes(path: str) -> bytes:
    """The bytes of a path, as Git has them."""
    try:
        return path.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return path.encode("utf-8", "surrogatepass")


def uri_path(path: str) -> str:
    """A path as a relative URI reference, percent-encoded byte by byte (`:` too: `a:b` would be a scheme)."""
    from urllib.parse import quote

    return quote(path_bytes(path), safe="/")


def markup(document: str) -> str:
    """An XML or HTML document without the runner's older form of commands (see `log_line`), for readers the same."""
    return document.replace("##[", "#&#35;[")


def json_document(value: object) -> str:
    """A value as indented JSON whose text is harmless on a terminal and in a job's log.

    Harmful characters are JSON escapes, so a reader gets every string exactly. The strings must be
    `encodable` already.
    """
    import msgspec

    text = msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
    return _JSON_HARMFUL.sub(_json_escape, text) + "\n"


def _spelt(found: re.Match[str]) -> str:
    character = found[0]
    if character in _NAMED:
        return _NAMED[character]
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def _json_escape(found: re.Match[str]) -> str:
    return "#\\u0023" if found[0] == "##" else f"\\u{ord(found[0]):04x}"
