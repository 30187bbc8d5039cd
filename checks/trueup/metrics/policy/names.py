"""The series that a family has, and the family that a series belongs to."""

from __future__ import annotations

from typing import NamedTuple

# What each type adds to the family's name, as the text format stores it. A histogram stores no series of its bare name.
SUFFIXES: dict[str | None, tuple[str, ...]] = {
    "counter": ("", "_created"),
    "histogram": ("_bucket", "_sum", "_count", "_created"),
    "gaugehistogram": ("_bucket", "_gsum", "_gcount"),
    "summary": ("", "_sum", "_count", "_created"),
    None: ("", "_bucket", "_sum", "_count", "_total", "_created"),
}
_ALONE = ("",)
ALL_SUFFIXES = ("_bucket", "_sum", "_count", "_created", "_gsum", "_gcount", "_total", "_info")


class Split(NamedTuple):
    """A series' name cut in two: `x_seconds_bucket` is `x_seconds` and `_bucket`."""

    family: str
    suffix: str


def suffixes_of(kind: str | None) -> tuple[str, ...]:
    """What series of a family of this type are called behind the family's name; `None`: a type that is not known."""
    return SUFFIXES.get(kind, _ALONE)


def splits(series: str) -> list[Split]:
    """Every way to read a series' name, the whole name first."""
    return [
        Split(series, ""),
        *(
            Split(series.removesuffix(suffix), suffix)
            for suffix in ALL_SUFFIXES
            if series.endswith(suffix) and len(series) > len(suffix)
        ),
    ]
