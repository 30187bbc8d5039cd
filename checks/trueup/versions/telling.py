"""Findings from what the check saw."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from trueup.findings import Edit, Finding, Severity
from trueup.rules import registry
from trueup.versions import numbers
from trueup.versions.bumps import Behind
from trueup.versions.model import Located, Pin
from trueup.versions.source import Fault, Source
from trueup.versions.state import Differing, Outside

if TYPE_CHECKING:
    from trueup.versions.facts import Missing, Wrong

_SHOWN_PLACES = 3


def shown(kind: str, name: str) -> str:
    """A thing's name for people: `vllm`, `actions/checkout`, `VLLM_REF`."""
    if name.startswith("#"):
        return "the version" if kind == "own" else name[1:]
    return name


def listed(places: list[Located], *, with_names: bool = False) -> str:
    """`4 places (Dockerfile:12, ci.yaml:3, docs/install.md:9, …)`."""
    first = places[:_SHOWN_PLACES]
    names = [f"{one.place}{f' {shown(one.pin.kind, one.pin.name)}' if with_names else ''}" for one in first]
    more = ", …" if len(places) > _SHOWN_PLACES else ""
    count = "1 place" if len(places) == 1 else f"{len(places)} places"
    return f"{count} ({', '.join(names)}{more})"


class Teller:
    """Makes findings, and counts equal ones in a file."""

    def __init__(self) -> None:
        self._ordinals: dict[tuple[str, str, str], int] = {}
        self._moved: dict[int, str] = {}  # by the id of a bump, which lives as long as its findings are told

    def behind(self, behind: Behind) -> Finding:
        """A place that a bump left behind; the edit writes the new version in its form."""
        source, pin, bump = behind.source, behind.pin, behind.bump
        new = numbers.rewritten(pin.version, bump.new)
        name, here = shown("", bump.name), shown(pin.kind, pin.name)
        old_shown, new_shown = bump.stated[0] or bump.old, bump.stated[1] or bump.new
        still = source.stated(pin) or pin.version
        moved = self._moved.get(id(bump))
        if moved is None:
            moved = self._moved[id(bump)] = listed(sorted(bump.places.values()))
        message = f"left behind: {name} {old_shown} -> {new_shown} in {moved}; here "
        message += f"{'it' if here == name else here} is still {still}"
        end = pin.end
        if new is not None and pin.stated is not None and bump.stated[1]:
            # The commit and the comment that states its version move together.
            new += source.text.text[pin.end : pin.stated[0]] + bump.stated[1]
            end = pin.stated[1]
        finding = self.at("versions/partial-bump", source, pin, message, new, end)
        if not behind.weak:
            return finding
        return msgspec.structs.replace(
            finding, severity=Severity.WARNING, edit=None, message=f"{message} ({behind.weak})"
        )

    def differing(self, one: Differing) -> Finding:
        """A place with another version than most."""
        pin = one.pin
        same_name = one.names == {pin.name}
        where = listed(one.others, with_names=not same_name)
        version = one.source.stated(pin) or pin.version
        message = f"{shown(pin.kind, pin.name)} is {version} here and {one.usual} in {where}"
        return self.at("versions/differing-pins", one.source, pin, message)

    def outside(self, one: Outside) -> Finding:
        """A pin that a requirement does not allow."""
        pin = one.pin
        message = f"{shown(pin.kind, pin.name)} is {pin.version} here, and {one.declared.place} allows {one.bound}"
        return self.at("versions/outside-range", one.source, pin, message)

    def wrong(self, one: Wrong) -> Finding:
        """A declared place that disagrees with its source."""
        pin = one.stated.pin
        verb = "does not allow" if one.stated.appearance.contains else "is not"
        message = f"{one.fact.name} is {one.version} ({one.at}); {pin.version} here {verb} that"
        finding = self.at("versions/fact-differs", one.stated.source, pin, message, one.new)
        return msgspec.structs.replace(finding, target=one.fact.name)

    def missing(self, one: Missing, path: str, line: int | None) -> Finding:
        """A declared place at which nothing stands."""
        rule = registry()["versions/fact-without-place"]
        return self._numbered(
            Finding(
                rule=rule.id,
                severity=rule.severity,
                path=path,
                message=one.message,
                reason=rule.reason,
                target=str(one.fact),
                line=line,
                column=1 if line is not None else None,
            )
        )

    def at(self, rule: str, source: Source, pin: Pin, message: str, new: str | None = None, end: int = 0) -> Finding:
        """A finding at a pin; the edit reaches to `end`, where that is behind the pin."""
        text = source.text
        edit = None
        end = max(end, pin.end)
        if new is not None and new != pin.version:
            expected = text.text[pin.start : end].encode("utf-8", "surrogateescape")
            edit = Edit(text.byte(pin.start), text.byte(end), expected, new.encode())
        line, column = text.place(pin.start)
        end_line, end_column = text.place(pin.end)
        return self._numbered(
            Finding(
                rule=rule,
                severity=registry()[rule].severity,
                path=source.path,
                message=message,
                reason=registry()[rule].reason,
                target=pin.thing.replace("#", ""),
                line=line,
                column=column,
                end_line=end_line,
                end_column=end_column,
                suggestion=new,
                edit=edit,
            )
        )

    def fault(self, fault: Fault, source: Source | None) -> Finding:
        """A file that was not read."""
        rule = "versions/unparsed-file" if fault.offset is not None else "trueup/unreadable-file"
        if fault.too_large:
            rule = "trueup/file-too-large"
        place: tuple[int | None, int | None] = (None, None)
        if fault.offset is not None and source is not None:
            place = source.text.place(fault.offset)
        return self._numbered(
            Finding(
                rule=rule,
                severity=registry()[rule].severity,
                path=fault.path,
                message=f"its versions were not checked: {fault.message}",
                reason=registry()[rule].reason,
                line=place[0],
                column=place[1],
            )
        )

    def _numbered(self, finding: Finding) -> Finding:
        key = (finding.rule, finding.path, finding.target)
        self._ordinals[key] = self._ordinals.get(key, 0) + 1
        return msgspec.structs.replace(finding, ordinal=self._ordinals[key])
