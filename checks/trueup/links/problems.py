"""What is wrong with one target, before it is known where in the file it stands."""

from __future__ import annotations

import msgspec

from trueup.findings import Severity


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """A fault of one target in one source.

    `replacement` is the target that would be right, as it should be written; `certain` says that it is
    the only candidate, so that `--fix` may write it. `severity` overrides the rule's.
    """

    rule: str
    message: str
    reason: str
    suggestion: str | None = None
    replacement: str | None = None
    certain: bool = False
    severity: Severity | None = None
