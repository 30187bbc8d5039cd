"""Findings that somebody decided to live with: by configuration, by a comment, or by a baseline."""

from trueup.suppression.apply import Applied, apply
from trueup.suppression.baseline import Baseline, read_baseline, write_baseline
from trueup.suppression.comments import IgnoreComment, MalformedComment, parse

__all__ = [
    "Applied",
    "Baseline",
    "IgnoreComment",
    "MalformedComment",
    "apply",
    "parse",
    "read_baseline",
    "write_baseline",
]
