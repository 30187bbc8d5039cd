"""Writes a new version at every place of a thing: edits first, for a diff or for the disk."""

from __future__ import annotations

from typing import NamedTuple

from trueup.config import Config
from trueup.findings import Finding
from trueup.repo import View
from trueup.versions import change, numbers, state
from trueup.versions.facts import Facts, agrees
from trueup.versions.model import Pin, Strength
from trueup.versions.source import Source, Sources
from trueup.versions.telling import Teller


class Plan(NamedTuple):
    """What a bump comes to: findings with edits, places that already say it, and places that are not written."""

    edits: list[Finding]
    ready: list[str]
    left: list[str]  # `docs/old.md:3: a lower bound of its own`
    known: bool  # whether there is such a thing at all


def plan(view: View, config: Config, sources: Sources, paths: list[str], name: str, version: str) -> Plan:
    """Every declared and discovered place of `name` (a fact, a thing, a row of `trueup versions list`)."""
    files = [source for path in paths if (source := sources.get(path)) is not None]
    found = {(source.path, pin.start): (source, pin) for source, pin in _declared(view, config, name, version)}
    declared = bool(found)
    rows = state.rows(files)
    seeds = [(one.source, one.pin) for one in rows.get(name, [])]
    if not seeds:
        seeds = [(source, pin) for source in files for pin in source.pins if _is_named(pin, name)]
    moves: dict[tuple[str, str, str], change.Move] = {}
    for _, pin in seeds:
        if not numbers.same(pin.version, version):
            moves.setdefault(
                (pin.kind, pin.name, pin.version), change.Move(pin.kind, pin.name, pin.version, version, [])
            )
    left: list[str] = []
    for behind in change.left_behind(sources, change.bumps_of(moves.values()), paths, lambda _: True):
        if behind.pin.strength is Strength.FLOOR and "own" not in behind.bump.kinds:
            left.append(f"{behind.source.path}:{behind.source.line(behind.pin)}: a lower bound of its own")
        else:
            found.setdefault((behind.source.path, behind.pin.start), (behind.source, behind.pin))
    teller = Teller()
    edits, ready = [], []
    for source, pin in seeds:
        if (source.path, pin.start) not in found and numbers.covers(pin.version, version):
            ready.append(f"{source.path}:{source.line(pin)}")
    for (path, _), (source, pin) in sorted(found.items()):
        new = numbers.rewritten(pin.version, version)
        place = f"{path}:{source.line(pin)}"
        if new is None:
            left.append(f"{place}: {pin.version} is written in a form that {version} has not")
        elif new == pin.version:
            ready.append(place)
        else:
            edits.append(teller.at("versions/partial-bump", source, pin, f"{pin.version} -> {new}", new))
    return Plan(edits, ready, left, bool(seeds) or declared)


def _is_named(pin: Pin, name: str) -> bool:
    return not pin.choice and pin.strength is not Strength.RANGE and name in (pin.thing, pin.name)


def _declared(view: View, config: Config, name: str, version: str) -> list[tuple[Source, Pin]]:
    """The places of the facts of this name; a range is left as it is where it allows the new version."""
    facts = Facts(view, [fact for fact in config.versions if fact.name == name])
    return [
        (stated.source, stated.pin)
        for fact in facts.facts
        for stated in facts.places(fact)
        if not (stated.appearance.contains and agrees(stated.pin.version, version, stated.appearance))
        and not stated.appearance.contains
    ]
