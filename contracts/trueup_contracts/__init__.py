"""Contract suites that anybody runs against their own components: `pytest --contracts`.

What an implementer or a suite needs is here; nothing heavy is imported for it.
"""

from collections.abc import Callable, Mapping
from typing import Any

from trueup_contracts.errors import Closed, Incomplete, Malformed, TooLarge, Unsupported
from trueup_contracts.marks import requirement

__all__ = ["Closed", "Incomplete", "Malformed", "TooLarge", "Unsupported", "requirement", "serve"]


def serve(
    factory: Callable[..., Any], *, name: str | None = None, version: str = "", by: Mapping[str, str] | None = None
) -> None:
    """Answers the suite's requests on the standard input: an adapter around an implementation in Python.

    `factory` is what an in-process target names. `by`: a keyword to the factory's method that takes it alone, besides
    `{"text": "make_from_text"}`. What the implementation prints goes to stderr: the standard output is for messages.
    """
    from trueup_contracts.serving import run

    run(factory, name=name, version=version, by=by)
