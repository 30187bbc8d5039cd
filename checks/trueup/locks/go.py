"""go.sum. It holds checksums only, lawfully more than are needed: it tells whether go.mod's choice has its own.

From Go 1.17 on go.mod lists every module that the build needs (https://go.dev/ref/mod#graph-pruning): each needs the
sum of its go.mod, and, where a package of it is built, that of its contents.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from trueup.locks.files import Files, join_folder, merge_markers
from trueup.locks.report import Place

MEND = "go mod tidy"
_LISTED_SINCE = (1, 17)
_WORD = re.compile(r'"[^"\n]*"|`[^`\n]*`|//[^\n]*|[()]|=>|[^\s()"`]+')


class Required(NamedTuple):
    """One module of go.mod."""

    module: str
    version: str
    line: int
    is_indirect: bool


class GoMod:
    """What a go.mod requires and replaces. Source: https://go.dev/ref/mod#go-mod-file-grammar."""

    def __init__(self, text: str) -> None:
        self.go = (1, 16)
        self.required: list[Required] = []
        self.replaced: dict[tuple[str, str], tuple[str, str]] = {}
        block = ""
        for number, line in enumerate(text.split("\n"), 1):
            words = [word.strip('"`') for word in _WORD.findall(line)]
            comment = next((word for word in words if word.startswith("//")), "")
            words = [word for word in words if not word.startswith("//")]
            if not words:
                continue
            if block and words[0] == ")":
                block = ""
            elif not block and words[1:2] == ["("]:
                block = words[0]
            else:
                verb, rest = (block, words) if block else (words[0], words[1:])
                self._directive(verb, rest, number, comment)

    def _directive(self, verb: str, words: list[str], line: int, comment: str) -> None:
        if verb == "go" and words:
            numbers = re.findall(r"\d{1,9}", words[0])[:2]
            self.go = (int(numbers[0]), int(numbers[1])) if len(numbers) == 2 else self.go
        elif verb == "require" and len(words) >= 2:
            self.required.append(Required(words[0], words[1], line, "indirect" in comment))
        elif verb == "replace" and "=>" in words:
            at = words.index("=>")
            old, new = words[:at], words[at + 1 :]
            if old and new:
                version = old[1] if len(old) > 1 else ""
                self.replaced[old[0], version] = (new[0], new[1] if len(new) > 1 else "")

    def selected(self, one: Required) -> tuple[str, str] | None:
        """The module and version that are fetched for it; `None` where a folder takes its place."""
        new = self.replaced.get((one.module, one.version)) or self.replaced.get((one.module, ""))
        if new is None:
            return one.module, one.version
        return new if new[1] else None


def judge(lock: str, files: Files) -> None:
    """See `formats.Judge`."""
    folder = lock.rpartition("/")[0]
    manifest = join_folder(folder, "go.mod")
    text, mod = files.text(lock), files.text(manifest)
    if text is None or mod is None:
        if text is not None and not files.exists(manifest):
            files.report.undecided(lock, "there is no go.mod beside it")
        return
    if merge_markers(files.report, lock, text) or merge_markers(files.report, manifest, mod):
        return
    read = GoMod(mod)
    own, above = _sums(lock, text, files), _workspace_sums(folder, files)
    if own is None or above is None:
        return
    sums = own | above
    is_listed = read.go >= _LISTED_SINCE
    if not is_listed:
        what = "whether indirect modules have their sums: before Go 1.17 go.mod does not list them"
        files.report.undecided(lock, what)
    for one in read.required:
        selected = read.selected(one)
        if selected is None:
            continue
        module, version = selected
        # Which go.mod's version wins is known only where all are listed; whether an indirect module is built at all
        # depends on its packages.
        needed = [f"{version}/go.mod"] + ([version] if is_listed and not one.is_indirect else [])
        missing = [key for key in needed if (module, key) not in sums]
        if missing:
            others = sorted(key for name, key in sums if name == module and not key.endswith("/go.mod"))
            has = f"only sums of {', '.join(others[:3])}" if others else "no sum of it"
            message = f"{module} {version} is selected here, and {lock} has {has}"
            if version in others:
                message = f"{module} {version} is selected here, and {lock} lacks the sum of its go.mod"
            elif (module, f"{version}/go.mod") in sums:
                message = f"{module} {version} is selected here, and {lock} has the sum of its go.mod alone"
            files.report.fault("missing-sum", Place(manifest, one.line, 1), module, message, MEND)


def _sums(path: str, text: str, files: Files) -> set[tuple[str, str]] | None:
    """Modules and versions; `None` for a file that is no go.sum, which is told."""
    found = set()
    for number, line in enumerate(text.split("\n"), 1):
        words = line.split()
        if len(words) == 3 and words[2].startswith("h"):
            found.add((words[0], words[1]))
        elif words:
            files.not_parsable(Place(path, number, 1), "a line that is not MODULE VERSION HASH")
            return None
    return found


def _workspace_sums(folder: str, files: Files) -> set[tuple[str, str]] | None:
    """Sums of a go.work above: they count for its modules."""
    parts = folder.split("/") if folder else []
    for end in range(len(parts), -1, -1):
        above = "/".join(parts[:end])
        path = join_folder(above, "go.work.sum")
        if files.exists(path) and files.exists(join_folder(above, "go.work")):
            return _sums(path, files.text(path) or "", files)
    return set()
