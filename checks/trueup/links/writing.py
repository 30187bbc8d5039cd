"""A target written anew, in the way in which the old one was written."""

from __future__ import annotations

from trueup.links.problems import Problem

_FRAGMENT_RULES = frozenset({"links/missing-fragment", "links/fragment-case"})
# What cannot stand in a Markdown destination or in an attribute without escapes that we would have to guess.
_UNSAFE = frozenset(b" \t\r\n<>\"'()\\&")


def rewritten(written: bytes, problem: Problem) -> bytes | None:
    """The bytes that replace `written`, or `None` where that cannot be done without touching what is around it."""
    if problem.replacement is None:
        return None
    answer = problem.replacement.encode("utf-8", "surrogateescape")
    if _UNSAFE.intersection(answer):
        return None
    if problem.rule in _FRAGMENT_RULES:
        before, sign, _ = written.partition(b"#")
        return before + sign + answer if sign else None
    return answer
