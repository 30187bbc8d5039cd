"""Runs the check of versions in this process, and says what it found in lines."""

from __future__ import annotations

from pathlib import Path

from link_runs import Found, check


def versions(root: Path, *args: str) -> Found:
    """`trueup versions` of the repository at `root`."""
    return check("versions", root, *args)
