"""Contract suites that anybody runs against their own components: `pytest --contracts`.

What an implementer or a suite needs is here; nothing heavy is imported for it.
"""

from trueup_contracts.errors import Closed, Incomplete, Malformed, TooLarge, Unsupported
from trueup_contracts.marks import requirement

__all__ = ["Closed", "Incomplete", "Malformed", "TooLarge", "Unsupported", "requirement"]
