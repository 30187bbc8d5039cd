"""Versions that lock files record, of things that are pinned elsewhere: the pin, the lock and the image are one row."""

from __future__ import annotations

import re
from collections.abc import Iterable

from trueup.repo import Unreadable, View
from trueup.repo.view import SUBMODULE, SYMLINK
from trueup.versions import names
from trueup.versions.model import Pin, Strength
from trueup.versions.source import Source, Text

# What follows in a lock of each name: the index of its packages.
LOCKS = {"uv.lock": "pypi", "poetry.lock": "pypi", "pdm.lock": "pypi", "pylock.toml": "pypi", "cargo.lock": "cargo"}
LARGEST_LOCK_BYTES = 16 << 20
_PACKAGE = re.compile(r'^\[\[packages?\]\]\r?\nname = "([^"\n]{1,200})"\r?\nversion = "([^"\n]{1,100})"', re.MULTILINE)


def locked(view: View, wanted: Iterable[str], things: set[str]) -> list[Source]:
    """The locks among these paths, each with the pins of these things that it records once."""
    found = []
    for path in wanted:
        kind = LOCKS.get(path.rpartition("/")[2].lower())
        entry = view.entry(path)
        if kind is None or entry is None or entry.mode in (SYMLINK, SUBMODULE):
            continue
        try:
            text = Text(view.read(path, LARGEST_LOCK_BYTES))
        except Unreadable:
            continue  # the check of locks tells
        pins: dict[str, list[Pin]] = {}
        for package in _PACKAGE.finditer(text.text):
            name = names.package(package[1]) if kind == "pypi" else package[1]
            if f"{kind}:{name}" in things:
                pin = Pin(kind, name, package[2], *package.span(2), "lock", Strength.EXACT)
                pins.setdefault(name, []).append(pin)
        # Several versions side by side in a lock are all wanted.
        found.append(Source(path, text, [same[0] for same in pins.values() if len(same) == 1]))
    return found


def beside(lock: Source, sources: Iterable[Source]) -> Source:
    """The lock without what nothing below its folder pins: another project's lock says nothing of this one."""
    folder = lock.path.rpartition("/")[0]
    below = {
        pin.thing
        for source in sources
        if not folder or source.path.startswith(folder + "/")
        for pin in source.pins
        if pin.strength is Strength.EXACT and not pin.choice
    }
    return lock._replace(pins=[pin for pin in lock.pins if pin.thing in below])
