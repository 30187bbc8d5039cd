"""What is renamed to what: whole names, or prefixes written with a `*` at their end."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from trueup.errors import UsageError

_NAME = re.compile(r"[A-Za-z_:][A-Za-z0-9_:]*")
# What series of one family are called behind its name.
_ENDINGS = ("", "_bucket", "_sum", "_count", "_created", "_total")


class Rename(NamedTuple):
    """One pair, without stars. `is_prefix`: of every name that begins so; else of one family, its series included."""

    old: str
    new: str
    is_prefix: bool

    def covers(self, name: str) -> bool:
        """Whether this name (or pattern of names, with `*`) is renamed; what has its new name already is not."""
        if not name.startswith(self.old):
            return False
        if self.is_prefix:
            return not (self.new.startswith(self.old) and name.startswith(self.new))
        return name[len(self.old) :] in _ENDINGS


class Plan:
    """All pairs of a run; the first that covers a name decides."""

    def __init__(self, renames: Sequence[Rename]) -> None:
        self.renames = tuple(renames)

    @classmethod
    def of(cls, olds: Sequence[str], news: Sequence[str]) -> Plan:
        """From the values of `--from` and `--to`; `UsageError` for what would not be the same at a second run."""
        if not olds or len(olds) != len(news):
            raise UsageError(
                f"{len(olds)} times --from and {len(news)} times --to", hint="each --from NAME has its --to NAME"
            )
        renames = [_rename(old, new) for old, new in zip(olds, news, strict=True)]
        for one in renames:
            for other in renames:
                if other is not one and other.covers(one.new + ("x" if one.is_prefix else "")):
                    raise UsageError(
                        f"{one.new!r} would be renamed again, to {other.new!r}",
                        hint="do it in two runs, or name the end",
                    )
        return cls(renames)

    def of_name(self, name: str) -> Rename | None:
        """The pair that renames this name."""
        return next((one for one in self.renames if one.covers(name)), None)

    def new_name(self, name: str) -> str | None:
        """What a name is called afterwards; `None` where it stays."""
        rename = self.of_name(name)
        return None if rename is None else rename.new + name[len(rename.old) :]


def _rename(old: str, new: str) -> Rename:
    is_prefix = old.endswith("*")
    if is_prefix != new.endswith("*"):
        raise UsageError(
            f"{old!r} and {new!r}: both end in `*`, or neither does", hint="--from 'sglang_*' --to 'sglang:*'"
        )
    bare_old, bare_new = (one.removesuffix("*") for one in (old, new))
    for word, bare in ((old, bare_old), (new, bare_new)):
        if not _NAME.fullmatch(bare):
            raise UsageError(
                f"{word!r} is no metric's name", hint="a name, or the beginning of names with one `*` at its end"
            )
    if bare_old == bare_new:
        raise UsageError(f"{old!r} is renamed to itself")
    return Rename(bare_old, bare_new, is_prefix)
