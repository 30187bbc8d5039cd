"""Whether a fragment names something in its target."""

from __future__ import annotations

import re

from trueup.findings import Severity
from trueup.links.anchors import Anchors
from trueup.links.problems import Problem

# Among a page's anchors: it takes in other files, so that nobody can tell which anchors it has.
ANY_ANCHOR = "\0"
# github.com puts it before every id that it makes, and finds an anchor with it and without it.
_GITHUB_PREFIX = "user-content-"
# `#L10`, `#L10-L20`, `#L10-20`, `#L10C3-L12C8`
_LINES = re.compile(r"L([0-9]{1,9})(?:C[0-9]+)?(?:-L?([0-9]{1,9})(?:C[0-9]+)?)?")


def clean(fragment: str | None) -> str:
    """The part of a fragment that names an anchor: `""` when the page's top, or a text, is meant."""
    if not fragment:
        return ""
    name = fragment.partition(":~:")[0]
    return "" if name.lower() == "top" else name  # in any case: HTML's "find a potential indicated element"


def anchor_problem(name: str, anchors: Anchors, where: str) -> Problem | None:
    """`name` against a page's anchors; `where` is how the message calls the page."""
    if name in anchors.names or ANY_ANCHOR in anchors.names:
        return None
    if not anchors.exact and name.startswith(_GITHUB_PREFIX):
        return anchor_problem(name.removeprefix(_GITHUB_PREFIX), anchors, where)
    lower = name.lower()
    if lower in anchors.names and lower != name:
        other = "an error here: this site's renderer compares exactly" if anchors.exact else "which github.com forgives"
        return Problem(
            rule="links/fragment-case",
            message=f"#{name} is written #{lower} in {where}",
            reason=f"It differs from its anchor in case only, {other}.",
            suggestion=f"#{lower}",
            replacement=lower,
            certain=True,
            severity=Severity.ERROR if anchors.exact else None,
        )
    same = anchors.in_another_case(name)
    if same:
        return Problem(
            rule="links/fragment-case",
            message=f"#{name} is written #{same[0]} in {where}",
            reason="It differs from its anchor in case only; anchors with capitals are compared exactly everywhere.",
            suggestion=f"#{same[0]}",
            replacement=same[0],
            certain=len(same) == 1,
            severity=Severity.ERROR,
        )
    guess = anchors.guess(name)
    return Problem(
        rule="links/missing-fragment",
        message=f"{where} has no heading or anchor #{name}",
        reason="The page opens at its top, not at the place that was meant.",
        suggestion=f"#{guess.answer} ({guess.why})" if guess else None,
        replacement=guess.answer if guess else None,
        certain=guess.certain if guess else False,
    )


def lines_problem(name: str, line_count: int | None, path: str) -> Problem | None:
    """`#L…` against the number of lines; anything else, and files that are not text, are not judged."""
    found = _LINES.fullmatch(name)
    if found is None or line_count is None:
        return None
    last = max(int(found[1]), int(found[2] or 0))
    if int(found[1]) >= 1 and last <= line_count:
        return None
    return Problem(
        rule="links/line-out-of-range",
        message=f"#{name} points behind the end of {path}, which has {line_count} lines",
        reason="GitHub highlights nothing: the file has become shorter since the link was written.",
    )


def is_lines(name: str) -> bool:
    """Whether a fragment has the form of GitHub's line anchors."""
    return _LINES.fullmatch(name) is not None
