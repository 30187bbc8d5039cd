"""What is said where a library of an extra is not installed."""

from __future__ import annotations

from importlib.util import find_spec


def require(extra: str, *modules: str) -> None:
    """`ModuleNotFoundError`, with what to install, for the first of these modules that is not there."""
    for module in modules:
        if find_spec(module) is None:
            raise ModuleNotFoundError(f"{module} is not installed: pip install 'trueup[{extra}]'", name=module)
