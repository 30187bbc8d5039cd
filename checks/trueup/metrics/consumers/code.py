"""Queries and names in the source files that the configuration names."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from trueup.metrics.consumers.code_strings import strings_of
from trueup.metrics.consumers.model import Expression
from trueup.metrics.policy import PolicySet, splits
from trueup.metrics.promql import parse

_NAME = re.compile(r"[A-Za-z_:][\w:]{2,299}")
_QUERY_SIGN = re.compile(r"[({\[]")


class CodeFile:
    """One source file: the queries in it, and every string that could be a name, or the end of one."""

    def __init__(self, text: str, prefixes: Iterable[str]) -> None:
        self.expressions: list[Expression] = []
        self.words: set[str] = set()
        starts = tuple(prefixes)
        for one in strings_of(text):
            content = one.text.strip()
            if _NAME.fullmatch(content):
                self.words.add(content)
                if content.startswith(starts):
                    self.expressions.append(Expression(one.text, "", "", _from(one.start), "constant"))
            elif any(prefix in content for prefix in starts) and _is_query(one.text):
                self.expressions.append(Expression(one.text, "", "", _from(one.start), "template"))


def _is_query(text: str) -> bool:
    return _QUERY_SIGN.search(text) is not None and parse(text).tree is not None


def spelt_out(names: Iterable[str], words: set[str], policies: PolicySet) -> frozenset[str]:
    """Those of the names that source files hold as a string, whole or without their prefix: generated constants."""
    found: set[str] = set()
    for name in names:
        rule = policies.prefix(name)
        for split in splits(name):
            short = split.family.removeprefix(rule.prefix) if rule is not None else split.family
            if split.family in words or short in words:
                found.add(name)
    return frozenset(found)


def _from(start: int) -> Callable[[int], int]:
    return lambda offset: start + offset
