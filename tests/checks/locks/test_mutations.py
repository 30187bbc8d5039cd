"""Whatever becomes of a lock or a manifest, the check ends with findings, never with a fault of its own."""

from __future__ import annotations

import random
import re
import shutil
from pathlib import Path

import pytest

from checks.locks.lock_runs import locks
from checks.locks.test_cases import FOLDERS

ODD = [
    "1",
    "-1",
    "1.5",
    "true",
    "null",
    '""',
    "[]",
    "{}",
    "[[]]",
    '"\\u0000"',
    "[1]",
    '[""]',
    '{"": 1}',
    "'x'",
    "2020-01-01",
    '"a@b"',
]
TOKEN = re.compile(r'"[^"\n]*"|\'[^\'\n]*\'|\[[^\[\]\n]*\]|\{[^{}\n]*\}|[\w.^~><=*/@:-]+')


def mutated(text: str, choose: random.Random) -> str:
    tokens = list(TOKEN.finditer(text))
    lines = text.split("\n")
    kind = choose.choice(("odd", "odd", "odd", "other", "line", "twice", "cut", "noise"))
    if kind in ("odd", "other") and tokens:
        token = choose.choice(tokens)
        new = choose.choice(ODD) if kind == "odd" else choose.choice(tokens)[0]
        return text[: token.start()] + new + text[token.end() :]
    at = choose.randrange(len(lines))
    if kind == "line":
        del lines[at]
    elif kind == "twice":
        lines.insert(choose.randrange(len(lines)), lines[at])
    elif kind == "noise":
        lines[at] += choose.choice(("\x00", "\u2028", "\ufeff", "\x1b[31m", "é", "]" * 5, "{{ x }}", "=", ":", ","))
    else:
        return text[: choose.randrange(len(text) + 1)]
    return "\n".join(lines)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_mutations_do_no_harm(folder: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    shutil.copytree(folder / "base", root)
    paths = sorted(path for path in root.rglob("*") if path.is_file())
    texts = {path: path.read_text(encoding="utf-8") for path in paths}
    found = 0
    for seed in range(30):
        choose = random.Random(f"{folder.name} {seed}")
        path = choose.choice(paths)
        text = mutated(texts[path], choose)
        if choose.random() < 0.3:
            text = mutated(text, choose)
        path.write_text(text, encoding="utf-8")
        try:
            found += bool(locks(root).findings)
        except Exception as error:
            raise AssertionError(f"seed {seed}, {path.name}:\n{text}") from error
        path.write_text(texts[path], encoding="utf-8")
    assert locks(root).lines == []
    assert found >= 4
