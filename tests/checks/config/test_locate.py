"""Lines of keys, compared with what the standard library's parser reads."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trueup.config.locate import KeyPath, lines_of, nearest_line

TEXT = """\
a = 1 # [x]
"b.c" . d = [ 1.5, "]", { e = '}', 'f' = 2 },
  [3,
   4] ]
[t]
g = \"\"\"
[no]
h = 1 \\\"\"\" x \"\"\"
u.v.w = { x.y = 1 }

[[n]]
i = 1
[[n]]
i = 2
[n.o]
j = 3
[[n.p]]
k = '''
'''
[[n.p]]
k = 2026-01-02T03:04:05Z
l = []
"""


def test_lines() -> None:
    assert lines_of(TEXT) == {
        ("a",): 1,
        ("b.c",): 2,
        ("b.c", "d"): 2,
        ("b.c", "d", 0): 2,
        ("b.c", "d", 1): 2,
        ("b.c", "d", 2): 2,
        ("b.c", "d", 2, "e"): 2,
        ("b.c", "d", 2, "f"): 2,
        ("b.c", "d", 3): 3,
        ("b.c", "d", 3, 0): 3,
        ("b.c", "d", 3, 1): 4,
        ("t",): 5,
        ("t", "g"): 6,
        ("t", "u"): 9,
        ("t", "u", "v"): 9,
        ("t", "u", "v", "w"): 9,
        ("t", "u", "v", "w", "x"): 9,
        ("t", "u", "v", "w", "x", "y"): 9,
        ("n",): 11,
        ("n", 0): 11,
        ("n", 0, "i"): 12,
        ("n", 1): 13,
        ("n", 1, "i"): 14,
        ("n", 1, "o"): 15,
        ("n", 1, "o", "j"): 16,
        ("n", 1, "p"): 17,
        ("n", 1, "p", 0): 17,
        ("n", 1, "p", 0, "k"): 18,
        ("n", 1, "p", 1): 20,
        ("n", 1, "p", 1, "k"): 21,
        ("n", 1, "p", 1, "l"): 22,
    }


@pytest.mark.parametrize(
    ("path", "line"), [(("n", 1, "o", "absent", 3), 15), (("absent",), None), ((), None), (("t", "u"), 9)]
)
def test_what_is_absent_is_where_it_should_be(path: KeyPath, line: int | None) -> None:
    assert nearest_line(lines_of(TEXT), path) == line


KEYS = st.text("ab. \"'#[]=\\\n", min_size=1, max_size=3)
STRINGS = st.text("a\"'#[]{}=,\\\n", max_size=6)


def quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def written(value: object) -> str:
    match value:
        case dict():
            return "{" + ", ".join(f"{quoted(key)} = {written(part)}" for key, part in value.items()) + "}"
        case list():
            return "[\n" + "".join(f"# ] comment\n{written(part)},\n" for part in value) + "]"
        case str():
            return quoted(value) if "'" in value or "\n" in value else f"'{value}'"
        case _:
            return str(value)


VALUES = st.recursive(
    st.one_of(st.integers(), STRINGS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=6,
)


def paths(value: object, path: KeyPath = ()) -> set[KeyPath]:
    found = {path} if path else set()
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        found |= paths(part, (*path, key))
    return found


@settings(deadline=None)
@given(
    st.dictionaries(KEYS, VALUES, max_size=3),
    st.dictionaries(KEYS, st.dictionaries(KEYS, VALUES, max_size=2), max_size=2),
)
def test_everything_that_the_parser_reads_has_a_line(top: dict[str, Any], tables: dict[str, dict[str, Any]]) -> None:
    tables = {key: table for key, table in tables.items() if key not in top}
    text = "".join(f"{quoted(key)} = {written(value)}\n" for key, value in top.items())
    for key, table in tables.items():
        text += f"[{quoted(key)}]\n" + "".join(f"{quoted(name)} = {written(part)}\n" for name, part in table.items())
    assert tomllib.loads(text) == {**top, **tables}
    lines = lines_of(text)
    assert set(lines) == paths({**top, **tables})
    for key in top:
        assert text.split("\n")[lines[key,] - 1].startswith(quoted(key))
