"""pylock.toml (PEP 751). It records no direct requirements: only whether it satisfies them can be told."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from typing import Any

from packaging.specifiers import SpecifierSet

from trueup.locks import pep508, satisfying
from trueup.locks.files import Files, join_folder
from trueup.locks.pyproject import load, strings
from trueup.locks.toml_lock import Locked

_COMMANDS = {
    "uv": "uv export --format pylock.toml --output-file {}",
    "pdm": "pdm export --format pylock --output {}",
    "pip": "pip lock --output {} .",
}


def judge(lock: str, files: Files) -> None:
    """See `formats.Judge`."""
    data = files.toml(lock)
    if data is None:
        return
    folder, _, name = lock.rpartition("/")
    tool = str(data.get("created-by", ""))
    mend = f"write {name} anew with {tool or 'its tool'}"
    if tool in _COMMANDS:
        mend = _COMMANDS[tool].format(shlex.quote(name))
    locked = Locked(lock, files.text(lock) or "", data.get("packages"))
    satisfying.missing_hashes(locked, files.report, _unhashed, mend)
    project = load(folder, files)
    if project is None:
        files.report.undecided(lock, "what it was made from: there is no pyproject.toml beside it")
        return
    files.report.undecided(lock, "whether requirements were removed: pylock.toml does not record them")
    asked = list(project.requirements()) if "dependencies" not in project.dynamic else []
    extras = {pep508.normalised(one) for one in strings(data.get("extras"))}
    if name != "pylock.toml" or data.get("environments"):
        # A named lock may be that of any part of the project, one with `environments` that of some platforms.
        asked = [one for one in asked if one.wanted.name in locked.by_name]
    else:
        asked = [one for one in asked if (one.extra in extras if one.extra else one.wanted.marker is None)]
    recorded = data.get("requires-python")
    pythons = (pep508.specifiers(recorded) if isinstance(recorded, str) else None) or SpecifierSet()
    if not files.exists(join_folder(folder, "pyproject.toml")) or not asked:
        return
    satisfying.judge(asked, locked, pythons, files.report, mend)


def _unhashed(package: dict[str, Any]) -> Iterable[str]:
    found = [package.get("sdist"), package.get("archive"), *(package.get("wheels") or ())]
    for one in found:
        if (
            isinstance(one, dict)
            and not one.get("hashes")
            and str(one.get("url", "")).startswith(("http://", "https://"))
        ):
            yield str(one.get("name") or one.get("url")).rpartition("/")[2]
