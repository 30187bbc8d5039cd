"""The configuration as data: what `[tool.trueup]` or `trueup.toml` may hold, with every default.

These structures are the single truth: the loader refuses what does not fit them, the JSON Schema
is made from them, and `trueup init` writes their defaults. Keys are written with hyphens.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Glob = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=300,
        description="A path pattern as in .gitignore, from the repository's root: "
        "`docs/**/*.md`, `vendor/`, `CHANGELOG.md`.",
    ),
]
Reason = Annotated[str, Meta(min_length=1, description="Why; shown in reports.")]
Level = Literal["error", "warning", "off"]
FlavourName = Literal["github", "mdbook", "mkdocs", "docusaurus", "hugo"]
CheckName = Literal["links", "grid-config", "locks"]

DEFAULT_SOURCES = ("**/*.[mM][dD]", "**/*.markdown", "**/*.mdx")

# Trees that somebody else wrote: their locks are not ours to mend.
DEFAULT_VENDORED = ("third_party/", "third-party/", "thirdparty/", "vendor/", "node_modules/", ".venv/")

# Attribution and licence texts, and vendored trees, are other people's words: nobody here can mend them.
DEFAULT_EXCLUDE = (
    "LICENSE*",
    "LICENCE*",
    "COPYING*",
    "NOTICE*",
    "ATTRIBUTION*",
    "THIRD[-_]PARTY*",
    *DEFAULT_VENDORED,
)


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    """A table of the configuration: hyphenated keys, unknown ones refused."""


class FlavourRule(_Table, frozen=True, kw_only=True):
    """Which renderer publishes these files. The last entry that matches a path decides."""

    paths: Annotated[list[Glob], Meta(min_length=1)]
    flavour: Annotated[FlavourName, Meta(description="The renderer.")]
    root: (
        Annotated[
            str,
            Meta(
                description="The folder that the site serves as `/`, e.g. `site/content`. "
                "Default: found from its configuration file."
            ),
        ]
        | None
    ) = None


class Ignore(_Table, frozen=True, kw_only=True):
    """Findings to live with. All the conditions given must hold."""

    rule: Annotated[str, Meta(description="A rule's id, or a check's with `/*`: `links/*`.")]
    reason: Reason
    paths: list[Glob] | None = None
    targets: (
        list[Annotated[str, Meta(min_length=1, description="A pattern (`*`, `?`) for the link's target.")]] | None
    ) = None


class Override(_Table, frozen=True, kw_only=True):
    """Other severities for some paths. The last entry that matches a path and names the rule decides."""

    paths: Annotated[list[Glob], Meta(min_length=1)]
    rules: Annotated[dict[str, Level], Meta(description="Severities: rule id to level.")]


class Links(_Table, frozen=True, kw_only=True):
    """Settings of the link check."""

    sources: Annotated[list[Glob], Meta(description="Files whose links are checked.")] = msgspec.field(
        default_factory=lambda: list(DEFAULT_SOURCES)
    )
    exclude: Annotated[
        list[Glob], Meta(description="Files whose links are not checked; replaces the default list.")
    ] = msgspec.field(default_factory=lambda: list(DEFAULT_EXCLUDE))
    extend_exclude: Annotated[list[Glob], Meta(description="Added to `exclude`.")] = []
    skip_targets: Annotated[
        list[Glob], Meta(description="Targets (paths from the root) that exist only when published; never checked.")
    ] = []
    flavours: list[FlavourRule] = []
    engine: Annotated[
        Literal["auto", "pyromark", "markdown-it"], Meta(description="`auto`: pyromark where it is installed.")
    ] = "auto"
    max_file_bytes: Annotated[int, Meta(ge=1, description="Larger sources are reported and not checked.")] = (
        64 * 1024 * 1024
    )


class GridConfig(_Table, frozen=True, kw_only=True):
    """Settings of the check of router grids."""

    exclude: Annotated[list[Glob], Meta(description="Files whose grids are not checked.")] = []


class Locks(_Table, frozen=True, kw_only=True):
    """Settings of the check of lock files."""

    exclude: Annotated[list[Glob], Meta(description="Locks that are not checked; replaces the default list.")] = (
        msgspec.field(default_factory=lambda: list(DEFAULT_VENDORED))
    )


class Config(_Table, frozen=True, kw_only=True):
    """The whole configuration."""

    checks: Annotated[list[CheckName], Meta(description="What `trueup check` runs when no check is named.")] = (
        msgspec.field(default_factory=lambda: ["links", "grid-config", "locks"])
    )
    fail_on: Annotated[
        Literal["error", "warning", "never"], Meta(description="The least severity that makes exit code 1.")
    ] = "error"
    baseline: Annotated[str, Meta(min_length=1, description="A baseline file, from the repository's root.")] | None = (
        None
    )
    repository: (
        Annotated[
            str,
            Meta(pattern=r"^[\w.-]+/[\w.-]+$", description="OWNER/NAME on GitHub; default: from the remote `origin`."),
        ]
        | None
    ) = None
    default_branch: Annotated[str, Meta(min_length=1, description="Default: from the clone.")] | None = None
    rules: Annotated[dict[str, Level], Meta(description="Severities: rule id to level.")] = {}
    overrides: list[Override] = []
    ignore: list[Ignore] = []
    links: Links = Links()
    grid_config: GridConfig = GridConfig()
    locks: Locks = Locks()
