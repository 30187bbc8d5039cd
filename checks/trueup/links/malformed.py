"""Targets that are neither a path nor a URL."""

from __future__ import annotations

import re

import msgspec

from trueup.links.problems import Problem

_NESTED = re.compile(r"(?:\]|%5D)\(", re.IGNORECASE)
# In a URL brackets may stand for themselves: `…/Predef.html#identity[A](x:A)`.
_NESTED_IN_URL = re.compile(r"(?:\]|%5D)\((?:https?:|www\.|mailto:|[/.#])", re.IGNORECASE)
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_SCHEME_INSIDE = re.compile(r"(?:https?):/|^(?:https?|htps?|ttps?)//", re.IGNORECASE)
_BRACKETED_URL = re.compile(r"\((https?://[^()]+)\)")


def nested(target: str) -> Problem | None:
    """What is wrong with a target that holds another link."""
    if not (_NESTED_IN_URL if target.startswith("http") else _NESTED).search(target):
        return None
    return Problem(
        rule="links/malformed",
        message=f"the target {target} holds another link",
        reason="A bracket or a parenthesis is missing or one too many: no renderer can follow it.",
    )


def malformed(target: str, path: str) -> Problem | None:
    """What is wrong with a relative target as it is written; `path` is its decoded path."""
    inner = nested(target)
    if inner is not None:
        return inner
    reason = "No renderer can follow it."
    if _SCHEME_INSIDE.search(path):
        message = f"the target {target} holds a URL, but is not one"
        reason = "It is read as a path in this repository: something stands before the scheme, or a colon is missing."
    elif "\\" in path:
        message = f"the target {path} is written with backslashes"
        reason = "A backslash separates folders on Windows only; in a URL it is a letter like any other."
    elif _BROKEN_ESCAPE.search(target.partition("#")[0]):
        message = f"the target {target} holds a % that begins no escape"
        reason = "A literal % is written %25 in a link."
    else:
        return None
    problem = Problem(rule="links/malformed", message=message, reason=reason)
    bracketed = _BRACKETED_URL.fullmatch(target)
    return problem if bracketed is None else with_answer(problem, bracketed[1])


def with_answer(problem: Problem, answer: str) -> Problem:
    """The problem with the one target that was meant."""
    return msgspec.structs.replace(problem, suggestion=answer, replacement=answer, certain=True)
