"""What is wrong with a configuration, all of it at once, each with the path of its key.

`msgspec` tells the first fault only and does not name a table's keys; this module walks the same
types when the whole did not fit, and afterwards checks what types cannot say.
"""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal, NamedTuple

import msgspec

from trueup.config import globs
from trueup.config.locate import KeyPath
from trueup.config.model import Config, Metrics
from trueup.rules import nearest_hint, registry

_WORDS = {
    "array": "a list",
    "object": "a table",
    "str": "a string",
    "int": "an integer",
    "float": "a number",
    "bool": "true or false",
    "datetime": "a date",
    "date": "a date",
    "time": "a time",
}


class Problem(NamedTuple):
    """One fault: the key's path in the table `trueup`, and what is wrong there."""

    path: KeyPath
    message: str


def shape_problems(value: object, kind: object = Config, path: KeyPath = ()) -> Iterator[Problem]:
    """Unknown and missing keys, and values of the wrong type, anywhere in `value`."""
    bare = _bare(kind)
    found: list[Problem] = []
    if isinstance(bare, type) and issubclass(bare, msgspec.Struct) and isinstance(value, dict):
        found = list(_table_problems(value, bare, path))
    elif typing.get_origin(bare) is list and isinstance(value, list):
        (item,) = typing.get_args(bare)
        found = [one for index, part in enumerate(value) for one in shape_problems(part, item, (*path, index))]
    elif typing.get_origin(bare) is dict and isinstance(value, dict):
        _, item = typing.get_args(bare)
        found = [one for key, part in value.items() for one in shape_problems(part, item, (*path, key))]
    elif typing.get_origin(bare) is Literal and isinstance(value, str) and value not in typing.get_args(bare):
        found = [Problem(path, f"{value!r} is unknown ({nearest_hint(value, list(typing.get_args(bare)))})")]
    if not found:
        try:
            msgspec.convert(value, kind)
        except msgspec.ValidationError as error:
            found = [Problem(path, _in_words(str(error)))]
    yield from found


def meaning_problems(config: Config) -> Iterator[Problem]:
    """Rules that do not exist, patterns that match nothing, paths that leave the repository."""
    yield from _rule_problems(config.rules, ("rules",))
    for index, override in enumerate(config.overrides):
        yield from _glob_problems(override.paths, ("overrides", index, "paths"))
        yield from _rule_problems(override.rules, ("overrides", index, "rules"))
    for index, ignore in enumerate(config.ignore):
        yield from _glob_problems(ignore.paths or [], ("ignore", index, "paths"))
        if not ignore.reason.strip():
            yield Problem(("ignore", index, "reason"), "the reason is blank")
        if ignore.rule not in (names := ignorable_rules()):
            yield Problem(("ignore", index, "rule"), _unknown_rule(ignore.rule, names))
    links = config.links
    yield from _glob_problems(links.sources, ("links", "sources"))
    yield from _glob_problems(links.exclude, ("links", "exclude"))
    yield from _glob_problems(links.extend_exclude, ("links", "extend-exclude"))
    yield from _glob_problems(links.skip_targets, ("links", "skip-targets"))
    yield from _glob_problems(config.grid_config.exclude, ("grid-config", "exclude"))
    yield from _metrics_problems(config.metrics)
    yield from _glob_problems(config.version_pins.exclude, ("version-pins", "exclude"))
    yield from _glob_problems(config.version_pins.extend_exclude, ("version-pins", "extend-exclude"))
    for index, fact in enumerate(config.versions):
        yield from _place_problems([fact.source], ("versions", index, "source"))
        places = [one if isinstance(one, str) else one.place for one in fact.appears]
        yield from _place_problems(places, ("versions", index, "appears"))
    for index, flavour in enumerate(links.flavours):
        yield from _glob_problems(flavour.paths, ("links", "flavours", index, "paths"))
        if flavour.root is not None and leaves_repository(flavour.root):
            yield Problem(("links", "flavours", index, "root"), f"{flavour.root!r} is not a folder of the repository")
    if config.baseline is not None and leaves_repository(config.baseline):
        yield Problem(("baseline",), f"{config.baseline!r} is not a file of the repository")


def _metrics_problems(metrics: Metrics) -> Iterator[Problem]:
    from trueup.metrics.policy import policy_problems

    yield from _glob_problems(metrics.expositions, ("metrics", "expositions"))
    yield from _glob_problems(metrics.exclude, ("metrics", "exclude"))
    yield from _glob_problems(metrics.docs, ("metrics", "docs"))
    yield from _glob_problems(metrics.reference_docs, ("metrics", "reference-docs"))
    yield from _glob_problems(metrics.code, ("metrics", "code"))
    for index, name in enumerate(metrics.policies):
        if not name.startswith("builtin:") and leaves_repository(name):
            yield Problem(("metrics", "policies", index), f"{name!r} is not a file of the repository")
    yield from (Problem(("metrics", *path), message) for path, message in policy_problems(metrics))


def ignorable_rules() -> list[str]:
    """What the key `rule` of `ignore`, and a comment, may name: every rule, and every check with `/*`."""
    rules = list(registry())
    return [*rules, *dict.fromkeys(rule.partition("/")[0] + "/*" for rule in rules)]


def leaves_repository(path: str) -> bool:
    """Whether a path from the repository's root is absolute, or climbs out of it, on any system."""
    if path.startswith(("/", "\\", "~")) or re.match(r"[A-Za-z]:", path) or "\0" in path:
        return True
    return ".." in re.split(r"[/\\]", path)


def shown(path: Sequence[str | int]) -> str:
    """A path of keys as TOML writes it: `ignore[0].reason`, `rules."links/missing-file"`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            key = part if re.fullmatch(r"[A-Za-z0-9_-]+", part) else repr(part)
            text += f".{key}" if text else key
    return text


def _table_problems(value: dict[str, Any], kind: type[msgspec.Struct], path: KeyPath) -> Iterator[Problem]:
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    for key, part in value.items():
        if key in fields:
            yield from shape_problems(part, fields[key].type, (*path, key))
        else:
            yield Problem((*path, key), f"unknown key ({nearest_hint(key, list(fields))})")
    for key, field in fields.items():
        if field.required and key not in value:
            yield Problem((*path, key), "this key is missing")


def _bare(kind: object) -> object:
    """The type without its annotations and without `None`."""
    if typing.get_origin(kind) is Annotated:
        return _bare(typing.get_args(kind)[0])
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        parts = [part for part in typing.get_args(kind) if part is not types.NoneType]
        return _bare(parts[0]) if len(parts) == 1 else kind
    return kind


def _in_words(message: str) -> str:
    """A message of msgspec in TOML's words: ``expected a string, got an integer``."""
    text = message.partition(" - at `$")[0].replace(" | null`", "`")
    text = re.sub(r"`(\w+)`", lambda found: _WORDS.get(found[1], found[0]), text)
    return text[:1].lower() + text[1:].replace(" of length >= 1", " that is not empty")


def _rule_problems(rules: Mapping[str, str], path: KeyPath) -> Iterator[Problem]:
    known = list(registry())
    return (Problem((*path, rule), _unknown_rule(rule, known)) for rule in rules if rule not in known)


def _unknown_rule(rule: str, known: list[str]) -> str:
    return f"there is no rule {rule!r} ({nearest_hint(rule, known)})"


def _place_problems(places: Sequence[str], path: KeyPath) -> Iterator[Problem]:
    from trueup.versions import selectors

    for index, place in enumerate(places):
        where = path if path[-1] == "source" else (*path, index)
        try:
            selector = selectors.parse(place)
            globs.parse(selector.glob)
        except selectors.BadPlace as error:
            yield Problem(where, f"the place {place!r}: {error}")
        except globs.BadGlob as error:
            yield Problem(where, f"the pattern {selector.glob!r}: {error}")


def _glob_problems(patterns: Sequence[str], path: KeyPath) -> Iterator[Problem]:
    for index, pattern in enumerate(patterns):
        try:
            globs.parse(pattern)
        except globs.BadGlob as error:
            yield Problem((*path, index), f"the pattern {pattern!r}: {error}")
