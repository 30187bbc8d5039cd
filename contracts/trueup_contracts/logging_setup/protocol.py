"""What a set-up function offers to the suite `logging-setup`. The target `import:PACKAGE` needs nothing of this."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Protocol


class SetUp(Protocol):
    """The target `setup:PACKAGE.MODULE:FUNCTION`. Each attribute may be missing.

    After a call without arguments, records from WARNING on of the logger stand on the standard output or error by the
    end of the process.
    """

    capabilities: Collection[str] | str  # names, or one text of several words; none where it is missing
    logger: str  # the logger that is set up; the package's name where it is missing, the root logger under `root`
    level_variable: str  # of the environment (`environment`)

    def __call__(self, *, level: str | int = ..., json: bool = ...) -> Any:
        """Sets up, as often as it is called. `level` is passed under the capability `level` alone.

        `json=True` is passed under `json`, where there is such a parameter. `ValueError` or `TypeError` refuses a
        level.
        """
