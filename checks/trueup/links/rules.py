"""The rules of the link check, in the order in which the documentation lists them."""

from __future__ import annotations

from trueup.findings import Severity
from trueup.rules import Rule

_E, _W = Severity.ERROR, Severity.WARNING

RULES = (
    Rule(
        id="links/missing-file",
        severity=_E,
        summary="a link leads to a file that is not in the repository",
        reason="Readers who follow it get a 404.",
        fixable=True,
    ),
    Rule(
        id="links/missing-fragment",
        severity=_E,
        summary="a link's fragment names no heading, anchor or line of its target",
        reason="The page opens at its top, not at the place that was meant.",
        fixable=True,
    ),
    Rule(
        id="links/fragment-case",
        severity=_W,
        summary="a fragment differs from its anchor in upper and lower case only",
        reason="github.com retries a fragment in lower case; most other renderers do not, and there the link is dead.",
        fixable=True,
    ),
    Rule(
        id="links/case-mismatch",
        severity=_E,
        summary="a link's path differs from the file's in upper and lower case only",
        reason="It works on a disk that ignores case, and gives a 404 on GitHub and on Linux.",
        fixable=True,
    ),
    Rule(
        id="links/through-symlinked-directory",
        severity=_W,
        summary="a link's path leads through a symlinked directory",
        reason="It works in a checkout; github.com does not follow a symlink inside a path and answers 404.",
        fixable=True,
    ),
    Rule(
        id="links/untracked-target",
        severity=_E,
        summary="a link leads to a file that lies here but is not tracked by Git",
        reason="Nobody else has that file: for every other reader the link is dead.",
    ),
    Rule(
        id="links/outside-repository",
        severity=_E,
        summary="a relative link climbs out of the repository",
        reason="What lies beside a checkout is not on GitHub.",
    ),
    Rule(
        id="links/file-with-slash",
        severity=_E,
        summary="a link to a file ends in a slash",
        reason="A path with a slash at its end is a directory; browsers and generators then resolve it wrongly.",
        fixable=True,
    ),
    Rule(
        id="links/undefined-reference",
        severity=_E,
        summary="a reference link uses a label that the document does not define",
        reason="It is shown as plain text with brackets, not as a link.",
    ),
    Rule(
        id="links/line-out-of-range",
        severity=_E,
        summary="a line fragment points behind the end of the file",
        reason="GitHub highlights nothing: the file has become shorter since the link was written.",
    ),
    Rule(
        id="links/own-repository-url",
        severity=_E,
        summary="a URL into this repository leads to a path that does not exist at that ref",
        reason="Readers who follow it get a 404.",
        fixable=True,
    ),
    Rule(
        id="links/empty-target",
        severity=_E,
        summary="a link has no target",
        reason="It leads back to the page on which it stands: usually a target was forgotten.",
    ),
    Rule(
        id="links/malformed",
        severity=_E,
        summary="a link's target is not a path or URL at all",
        reason="The target holds another link, a backslash path or a broken escape: no renderer can follow it.",
    ),
    Rule(
        id="symlinks/broken",
        severity=_E,
        summary="a symlink's target is not in the repository",
        reason="In every clone it points to nothing.",
        fixable=False,
    ),
    Rule(
        id="symlinks/loop",
        severity=_E,
        summary="a symlink leads back to itself, or through more than 40 others",
        reason="No system can open it, and tools that walk the tree can run for ever.",
    ),
    Rule(
        id="symlinks/outside-repository",
        severity=_E,
        summary="a symlink leads out of the repository",
        reason="What lies beside one checkout does not lie beside another.",
    ),
    Rule(
        id="symlinks/absolute",
        severity=_E,
        summary="a symlink has an absolute target",
        reason="It names a place on one machine.",
    ),
    Rule(
        id="symlinks/untracked-target",
        severity=_E,
        summary="a symlink leads to a file that lies here but is not tracked by Git",
        reason="Nobody else has that file: in every other clone the symlink is broken.",
    ),
)
