"""The two engines behind one interface; see `document.Engine`."""

from __future__ import annotations

import importlib.util

from trueup.errors import UsageError
from trueup.links.document import Engine


def chosen(setting: str) -> str:
    """The name of the engine for a setting: `auto` is pyromark where it is installed."""
    if setting != "auto":
        return setting
    return "pyromark" if importlib.util.find_spec("pyromark") else "markdown-it"


def load(name: str) -> Engine:
    """The engine of this name, `pyromark` or `markdown-it`. Not before there is something to parse."""
    if name == "markdown-it":
        from trueup.links.engines.markdown_it import MarkdownItEngine

        return MarkdownItEngine()
    try:
        from trueup.links.engines.pyromark import PyromarkEngine
    except ImportError as error:
        raise UsageError(f"the engine 'pyromark' cannot be loaded: {error}", hint="use --engine markdown-it") from None
    return PyromarkEngine()
