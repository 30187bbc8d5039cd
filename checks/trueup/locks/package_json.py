"""What a package.json asks for, in the fields that locks are about."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from trueup.config.globs import BadGlob
from trueup.locks import semver
from trueup.locks.files import Files, join_folder, place_at
from trueup.locks.report import Place

# The later ones win where npm meets a name twice.
FIELDS = ("peerDependencies", "dependencies", "optionalDependencies", "devDependencies")
_NOT_A_RANGE = re.compile(r"[:/]|^\.")


class Manifest(msgspec.Struct, rename="camel"):
    """The fields of a package.json; maps are names to ranges, tags, URLs or paths."""

    name: str | None = None
    version: str | None = None
    private: Any = False
    dependencies: dict[str, str] = {}
    dev_dependencies: dict[str, str] = {}
    optional_dependencies: dict[str, str] = {}
    peer_dependencies: dict[str, str] = {}
    peer_dependencies_meta: dict[str, Any] = {}
    workspaces: Any = None
    overrides: Any = None
    resolutions: Any = None
    pnpm: Any = None
    package_manager: Any = None
    bin: Any = None

    def of(self, field: str) -> dict[str, str]:
        """One of `FIELDS` by its name in the file. What is optional as well is no plain dependency, as npm has it."""
        found: dict[str, str] = getattr(self, re.sub("D", "_d", field))
        if field == "dependencies":
            return {name: spec for name, spec in found.items() if name not in self.optional_dependencies}
        return found


class Wanted(NamedTuple):
    """What one entry of a dependency map asks for."""

    package: str  # its name in the registry: an alias has another
    range: semver.Range | None  # `None` for what only the network or the disk can tell


def read_spec(name: str, spec: str) -> Wanted:
    """A range, an alias (`npm:other@^1`), or something without versions."""
    if spec.startswith("npm:"):
        package, at, text = spec[4:].rpartition("@")
        return Wanted(package, semver.npm_range(text)) if at and package else Wanted(spec[4:], None)
    return Wanted(name, None if _NOT_A_RANGE.search(spec) else semver.npm_range(spec))


def load(folder: str, files: Files) -> Manifest | None:
    """The package.json of a folder, or `None` where there is none that parses."""
    return files.json(join_folder(folder, "package.json"), Manifest)


def place(folder: str, files: Files, *keys: str) -> Place:
    """The place of `"key"` under the other keys, found in the text."""
    path = join_folder(folder, "package.json")
    return place_of_key(path, files.text(path) or "", *keys)


def place_of_key(path: str, text: str, *keys: str) -> Place:
    """The first `"key":` behind those of the keys around it; the nearest of them where it is not found."""
    at, found = 0, None
    for key in keys:
        match = re.compile(re.escape(json.dumps(key, ensure_ascii=False)) + r"\s*:").search(text, at)
        if match is None:
            break
        found, at = match.start(), match.end()
    return Place(path) if found is None else place_at(path, text, found)


def workspaces(root: str, manifest: Manifest, files: Files) -> dict[str, Manifest]:
    """The members of a workspace by folder, the root not among them. Raises `BadGlob`."""
    value = manifest.workspaces
    globs = value.get("packages") if isinstance(value, dict) else value
    texts = [one for one in globs if isinstance(one, str)] if isinstance(globs, list) else []
    return dict(_members(root, texts, files))


def _members(root: str, globs: list[str], files: Files) -> Iterator[tuple[str, Manifest]]:
    for folder in files.folders(root, globs, "package.json"):
        if folder != root and "node_modules" not in folder.split("/"):
            member = load(folder, files)
            if member is not None:
                yield folder, member


__all__ = ["FIELDS", "BadGlob", "Manifest", "Wanted", "load", "place", "place_of_key", "read_spec", "workspaces"]
