"""The rules about versions, in the order in which the documentation lists them."""

from __future__ import annotations

from trueup.findings import Severity
from trueup.rules import Rule

RULES = (
    Rule(
        id="versions/partial-bump",
        severity=Severity.ERROR,
        summary="a change moves a version at some places and leaves the old one at others",
        reason="Places that name one version belong together: what was left behind builds or documents the old one.",
        fixable=True,
    ),
    Rule(
        id="versions/differing-pins",
        severity=Severity.WARNING,
        summary="a thing that is pinned to one version here and to another elsewhere",
        reason="What is built, what is tested and what is documented are then not the same; mostly one was forgotten.",
    ),
    Rule(
        id="versions/outside-range",
        severity=Severity.WARNING,
        summary="a pin that the project's own requirement does not allow",
        reason="What is installed here is a version that the manifest declares not to work with.",
    ),
    Rule(
        id="versions/fact-differs",
        severity=Severity.ERROR,
        summary="a place that the configuration ties to a version, and that names another",
        reason="The configuration declares that these places agree; a place that does not was forgotten.",
        fixable=True,
    ),
    Rule(
        id="versions/fact-without-place",
        severity=Severity.ERROR,
        summary="a declared place at which no version stands",
        reason="A place that matches nothing is checked by nobody: it was moved or renamed, or never was.",
    ),
    Rule(
        id="versions/unparsed-file",
        severity=Severity.WARNING,
        summary="a file that is not in the format that its name says",
        reason="What cannot be read cannot be compared: the versions in this file were not checked.",
    ),
)

# A run judges the one or the other.
OF_A_CHANGE = frozenset(("versions/partial-bump",))
OF_A_STATE = frozenset(("versions/differing-pins", "versions/outside-range", "versions/unparsed-file"))
