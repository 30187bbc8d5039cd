"""Reads policies: the built-in ones, files, and the tables of the configuration."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from trueup.errors import ConfigError
from trueup.metrics.policy.lookup import PolicySet
from trueup.metrics.policy.model import Policy

BUILTIN = "builtin:"
_FOLDER = Path(__file__).parent / "builtin"
MAX_BYTES = 4 << 20
_MOST_PROBLEMS = 20


def builtin_names() -> list[str]:
    """The names that `builtin:NAME` may have."""
    return sorted(one.stem for one in _FOLDER.glob("*.json"))


def builtin(name: str) -> Policy:
    """The built-in policy of this name; `ConfigError` where there is none."""
    from trueup.rules import nearest_hint

    if name not in builtin_names():
        raise ConfigError(f"there is no built-in policy {name!r}", hint=nearest_hint(name, builtin_names()))
    return msgspec.json.decode((_FOLDER / f"{name}.json").read_bytes(), type=Policy)


def load_policy(name: str, read: Callable[[str], bytes | None]) -> Policy:
    """The policy `builtin:NAME`, or that of a file whose bytes `read` gives; `ConfigError` for one without sense."""
    if name.startswith(BUILTIN):
        return builtin(name.removeprefix(BUILTIN))
    data = read(name)
    if data is None:
        raise ConfigError(f"{name}: there is no such policy file", hint=f"or one that ships with trueup: {_offer()}")
    return parse_policy(name, data)


def parse_policy(name: str, data: bytes) -> Policy:
    """A policy from the bytes of a YAML file; `name` is how messages call it."""
    from trueup.config.validate import shape_problems, shown
    from trueup.metrics.policy.yaml_reading import NotYaml, read_yaml

    if len(data) > MAX_BYTES:
        raise ConfigError(f"{name}: it is larger than {MAX_BYTES} bytes")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{name}:{line}: it is not UTF-8 (byte {error.start})") from None
    try:
        value, lines = read_yaml(text)
    except NotYaml as error:
        raise ConfigError(f"{name}:{error.line}: {error.message}") from None
    problems = [(one.path, one.message) for one in shape_problems(value, Policy)]
    if not problems:
        policy = msgspec.convert(value, Policy)
        problems = list(policy_problems(policy))
        if not problems:
            return policy
    told = sorted((_line(lines, path), shown(path), message) for path, message in problems)
    texts = [f"{name}:{line}: {key}: {message}" if key else f"{name}:{line}: {message}" for line, key, message in told]
    if len(texts) > _MOST_PROBLEMS:
        texts = [*texts[:_MOST_PROBLEMS], f"{name}: and {len(told) - _MOST_PROBLEMS} more"]
    raise ConfigError("\n".join(texts))


def policy_problems(policy: Any) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """What the types cannot say; also of the tables `families` and `prefixes` of the configuration."""
    for name, family in policy.families.items():
        path = ("families", name)
        if name.count("*") > 8:
            yield path, "a pattern has at most 8 stars"
        for label in family.labels:
            if label in family.forbidden_labels:
                yield (*path, "forbidden-labels"), f"the label {label!r} is required too"
        for label in family.allowed_labels or []:
            if label in family.forbidden_labels:
                yield (*path, "forbidden-labels"), f"the label {label!r} is allowed too"
        if name in family.renamed_to:
            yield (*path, "renamed-to"), "a family is not renamed to itself"
    for index, rule in enumerate(policy.prefixes):
        if rule.prefix in rule.instead_of:
            yield ("prefixes", index, "instead-of"), f"{rule.prefix!r} is the right spelling"


def load_policies(metrics: Any, root: str, named: tuple[str, ...] = ()) -> PolicySet:
    """The policies of a run: those of the configuration's table `metrics`, then those that the command line names.

    A file of the configuration lies in the repository at `root`; one of the command line lies anywhere.
    """
    from trueup.config.load import read_file

    def inside(name: str) -> bytes | None:
        return read_file(os.path.join(root, name), name, inside=root, limit_bytes=MAX_BYTES)

    def anywhere(name: str) -> bytes | None:
        return read_file(name, name, limit_bytes=MAX_BYTES)

    policies = [load_policy(name, inside) for name in metrics.policies]
    policies += [load_policy(name, anywhere) for name in named]
    if metrics.families or metrics.prefixes:
        policies.append(Policy(name="configuration", families=metrics.families, prefixes=metrics.prefixes))
    return PolicySet(policies)


def _line(lines: dict[tuple[str | int, ...], int], path: tuple[str | int, ...]) -> int:
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


def _offer() -> str:
    return ", ".join(BUILTIN + name for name in builtin_names())
