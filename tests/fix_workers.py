"""Which tests one worker of pytest-xdist gets together: those of a module whose fixtures take long to make.

Told by the place of a test, not by `xdist_group`: pytest 9.2 does not see the name that pytest-xdist 3.8 gives to a
group (it writes `Item._nodeid`, which nothing reads any more), and every test went where there was room.
"""

from __future__ import annotations

from typing import Any

import pytest

TOGETHER = ("tests/end_to_end/",)  # whose modules are not divided


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Modules below `TOGETHER` each to one worker, and every other test where there is room."""
    if config.getoption("dist") != "load":  # somebody wants it otherwise
        return None
    from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

    class Modules(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            return nodeid.partition("::")[0] if nodeid.startswith(TOGETHER) else nodeid

    return Modules(config, log)
