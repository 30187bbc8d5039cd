"""The configuration as data: what `[tool.trueup]` or `trueup.toml` may hold, with every default.

These structures are the single truth: the loader refuses what does not fit them, the JSON Schema
is made from them, and `trueup init` writes their defaults. Keys are written with hyphens.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from trueup.metrics.policy import Family, PrefixRule, ScraperName

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
CheckName = Literal["links", "grid-config", "metrics", "locks", "versions"]

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

DEFAULT_EXCLUDE_PINS = (
    # A record of what was true then.
    "[cC][hH][aA][nN][gG][eE][lL][oO][gG]*",
    "CHANGES*",
    "HISTORY*",
    "NEWS*",
    "RELEASE*",
    "releases/",
    "release-notes/",
    "release_notes/",
    "changelog/",
    "changelogs/",
    "archive/",
    "archived/",
    "deprecated/",
    "legacy/",
    "blog/",
    "adr/",
    "adrs/",
    "decisions/",
    "proposals/",
    "proposal/",
    "rfcs/",
    "keps/",
    "design/",
    "**/versioned_docs/",
    "v[0-9]*.[0-9]*/",
    "[0-9]*.[0-9]*/",
    # Other people's code.
    "third_party/",
    "third-party/",
    "thirdparty/",
    "vendor/",
    "node_modules/",
    ".venv/",
    # Inputs of tests, wrong on purpose as often as not.
    "testdata/",
    "test-data/",
    "test_data/",
    "fixtures/",
    "__snapshots__/",
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


class GridPair(_Table, frozen=True, kw_only=True):
    """The two forms of one grid, where their pools have different names."""

    picker: Annotated[str, Meta(min_length=1, description="The file with the endpoint picker's form, from the root.")]
    router: Annotated[str, Meta(min_length=1, description="The file with the router's form, from the root.")]
    phase: Annotated[
        Literal["prefill", "decode", "agg"],
        Meta(description="Of the router's: what `size` means is the ISL, the context length or the TTFT target."),
    ]
    pools: Annotated[
        dict[str, str],
        Meta(description="The picker's labels to the router's namespaces; those left out are equal."),
    ] = {}


class GridConfig(_Table, frozen=True, kw_only=True):
    """Settings of the check of router grids."""

    exclude: Annotated[list[Glob], Meta(description="Files whose grids are not checked.")] = []
    pairs: Annotated[
        list[GridPair], Meta(description="Grids in two forms; without an entry they are found by equal names of pools.")
    ] = []


class Metrics(_Table, frozen=True, kw_only=True):
    """Settings of the check of metric names."""

    policies: Annotated[
        list[Annotated[str, Meta(min_length=1, max_length=300)]],
        Meta(description="Built-in policies (`builtin:sglang`), and policy files from the repository's root."),
    ] = []
    expositions: Annotated[list[Glob], Meta(description="Files that hold an exposition.")] = msgspec.field(
        default_factory=lambda: ["**/*.prom"]
    )
    exclude: Annotated[list[Glob], Meta(description="Files that are not checked.")] = []
    scraper: Annotated[ScraperName, Meta(description="The scraper whose stored names are used.")] | None = None
    extra_labels: Annotated[
        list[Annotated[str, Meta(min_length=1, max_length=300)]],
        Meta(description="Labels that scraping adds here, besides job, instance, pod and the like."),
    ] = []
    docs: Annotated[list[Glob], Meta(description="Markdown whose queries and names of metrics are checked.")] = (
        msgspec.field(default_factory=lambda: list(DEFAULT_SOURCES))
    )
    reference_docs: Annotated[
        list[Glob], Meta(description="Of these documents together: where every family of the policies is named.")
    ] = []
    code: Annotated[list[Glob], Meta(description="Source files whose strings hold queries or names of metrics.")] = []
    max_file_bytes: Annotated[int, Meta(ge=1, description="Larger files are reported and not checked.")] = (
        64 * 1024 * 1024
    )
    prefixes: list[PrefixRule] = []
    families: Annotated[
        dict[Annotated[str, Meta(min_length=1, max_length=300)], Family],
        Meta(description="Family, or pattern with `*`, to its rules."),
    ] = {}


class VersionPins(_Table, frozen=True, kw_only=True):
    """Settings of the check of versions."""

    exclude: Annotated[
        list[Glob], Meta(description="Files whose versions are not compared; replaces the default list.")
    ] = msgspec.field(default_factory=lambda: list(DEFAULT_EXCLUDE_PINS))
    extend_exclude: Annotated[list[Glob], Meta(description="Added to `exclude`.")] = []


class Appearance(_Table, frozen=True, kw_only=True):
    """A place that must agree with a version's source."""

    place: Annotated[str, Meta(min_length=1, description="As in `source`; a glob may name several files.")]
    precision: Annotated[
        Literal["exact", "minor", "major"], Meta(description="How many numbers must agree: all, two, one.")
    ] = "exact"
    contains: Annotated[bool, Meta(description="The place holds a range, which must allow the version.")] = False


class VersionFact(_Table, frozen=True, kw_only=True):
    """A version with one source, and the places that must agree with it."""

    name: Annotated[str, Meta(min_length=1, description="What it is the version of.")]
    source: Annotated[
        str, Meta(min_length=1, description="`toml:pyproject.toml#project.version`, `dockerfile:ARG VLLM_REF`, …")
    ]
    appears: Annotated[list[str | Appearance], Meta(min_length=1, description="Places, as strings or tables.")]


class Locks(_Table, frozen=True, kw_only=True):
    """Settings of the check of lock files."""

    exclude: Annotated[list[Glob], Meta(description="Locks that are not checked; replaces the default list.")] = (
        msgspec.field(default_factory=lambda: list(DEFAULT_VENDORED))
    )


class Config(_Table, frozen=True, kw_only=True):
    """The whole configuration."""

    checks: Annotated[list[CheckName], Meta(description="What `trueup check` runs when no check is named.")] = (
        msgspec.field(default_factory=lambda: ["links", "grid-config", "metrics", "locks"])
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
    metrics: Metrics = Metrics()
    version_pins: VersionPins = VersionPins()
    versions: Annotated[list[VersionFact], Meta(description="Versions that must agree wherever they stand.")] = []
