"""The rules about lock files."""

from __future__ import annotations

from trueup.findings import Severity
from trueup.rules import Rule

RULES = (
    Rule(
        id="locks/not-parsable",
        severity=Severity.ERROR,
        summary="a lock or a manifest that its own tool cannot parse",
        reason="No tool can install from it, and nothing in it was checked.",
    ),
    Rule(
        id="locks/merge-markers",
        severity=Severity.ERROR,
        summary="a lock with the markers of an unfinished merge",
        reason="It is neither side's lock: tools refuse it, or read a mixture that nobody resolved.",
    ),
    Rule(
        id="locks/missing-requirement",
        severity=Severity.ERROR,
        summary="a requirement of the manifest that the lock does not hold",
        reason="An install from the lock leaves it out, or fails.",
    ),
    Rule(
        id="locks/outside-requirement",
        severity=Severity.ERROR,
        summary="a locked version that the manifest's requirement excludes",
        reason="An install from the lock brings a version that the manifest says will not do.",
    ),
    Rule(
        id="locks/stale-manifest-data",
        severity=Severity.ERROR,
        summary="a lock that was made from another manifest than the one beside it",
        reason="The lock records what it was made from, and that is no longer what the manifest says.",
    ),
    Rule(
        id="locks/missing-member",
        severity=Severity.ERROR,
        summary="a workspace member that the lock does not hold, or holds although it is gone",
        reason="The lock is the whole workspace's: what it misses is installed without being locked, or not at all.",
    ),
    Rule(
        id="locks/missing-checksum",
        severity=Severity.WARNING,
        summary="a package from a registry whose lock entry has no checksum",
        reason="What is downloaded is not compared with anything: whoever can change the registry's file is trusted.",
    ),
    Rule(
        id="locks/missing-sum",
        severity=Severity.ERROR,
        summary="a module that go.mod selects without its sum in go.sum",
        reason="With -mod=readonly, the default, the build stops: missing go.sum entry.",
    ),
    Rule(
        id="locks/untracked-lock",
        severity=Severity.WARNING,
        summary="a lock that lies beside the tracked manifest of an application but is not tracked",
        reason="Everybody else, and CI, resolves anew: what runs there is not what was tried here.",
    ),
    Rule(
        id="locks/two-locks",
        severity=Severity.WARNING,
        summary="a second lock, of another tool, for one manifest",
        reason="Each tool updates its own lock only: the other one goes stale, and some people install from it.",
    ),
)
