"""Where a finding stands on github.com."""

from __future__ import annotations

from trueup.findings import Finding
from trueup.reports.escape import uri_path

# What GitHub renders: there a line's number works in the plain view only.
_RENDERED = (
    ".md", ".markdown", ".mdown", ".mkd", ".mkdn", ".mdx", ".rst", ".adoc", ".asciidoc", ".org", ".textile", ".ipynb",
)  # fmt: skip


def file_url(path: str, repository: str | None, ref: str | None) -> str | None:
    """The page of a file, percent-encoded and so safe in any attribute; `None` where it is not known."""
    if repository is None or ref is None:
        return None
    return f"https://github.com/{uri_path(repository)}/blob/{uri_path(ref)}/{uri_path(path)}"


def tree_url(repository: str | None, ref: str | None) -> str | None:
    """The page of the repository at that ref."""
    if repository is None or ref is None:
        return None
    return f"https://github.com/{uri_path(repository)}/tree/{uri_path(ref)}"


def github_url(finding: Finding, repository: str | None, ref: str | None) -> str | None:
    """The page of the finding's line, where it is known."""
    url = file_url(finding.path, repository, ref)
    if url is None or finding.line is None:
        return url
    plain = "?plain=1" if finding.path.lower().endswith(_RENDERED) else ""
    return f"{url}{plain}#L{finding.line}"
