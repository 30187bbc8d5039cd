"""Coverage-guided fuzzing of the extractors and of the slugs: `make fuzz`, or this file with libFuzzer's options."""

from __future__ import annotations

import sys
from pathlib import Path

import atheris  # type: ignore[import-not-found, import-untyped, unused-ignore]

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

with atheris.instrument_imports(include=["trueup", "markdown_it"]):
    from fuzz.link_invariants import check_lines, check_source, check_text


def one_input(data: bytes) -> None:
    """One round."""
    check_source(data)
    check_lines(data[:2000])
    check_text(data.decode("utf-8", "replace"))


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
