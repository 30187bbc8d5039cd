"""A policy as data: which metric families there are, and what each must look like.

The same structures are read from a YAML file and from `[tool.trueup.metrics]`; the JSON Schemas are made from them.

A family is named as its series are in the text format: a counter *with* its `_total` (`sglang:prompt_tokens_total`,
though OpenMetrics calls the family `sglang:prompt_tokens`), a histogram or summary *without* `_bucket`, `_sum`,
`_count`.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

TypeName = Literal["counter", "gauge", "histogram", "summary", "unknown", "info", "stateset", "gaugehistogram"]
ScraperName = Literal["prometheus-2", "prometheus-3", "prometheus-3-legacy", "victoriametrics", "opentelemetry"]
Presence = Literal["required", "with-traffic", "optional"]

FamilyName = Annotated[str, Meta(min_length=1, max_length=300)]
LabelName = Annotated[str, Meta(min_length=1, max_length=300)]


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab", omit_defaults=True):
    """Hyphenated keys, unknown ones refused; defaults are not written."""


class Family(_Table, frozen=True, kw_only=True):
    """What one metric family (or all that a pattern with `*` names) must look like."""

    type: Annotated[TypeName, Meta(description="The type; where it is not given, any.")] | None = None
    unit: Annotated[str, Meta(description="The unit, as the name ends in it: `seconds`, `bytes`.")] | None = None
    help: Annotated[str, Meta(description="What it says, in a line.")] | None = None
    labels: Annotated[list[LabelName], Meta(description="Labels that every series has.")] = []
    allowed_labels: (
        Annotated[list[LabelName], Meta(description="Further labels that a series may have; not given: any.")] | None
    ) = None
    forbidden_labels: Annotated[list[LabelName], Meta(description="Labels that no series has, e.g. `request_id`.")] = []
    max_series: Annotated[int, Meta(ge=1, description="The most label sets that an exposition may hold.")] | None = None
    presence: Annotated[
        Presence,
        Meta(
            description="`required`: in every exposition; `with-traffic`: once requests were served; "
            "`optional`: only under some options."
        ),
    ] = "optional"
    since: Annotated[str, Meta(description="The version that brought it.")] | None = None
    deprecated_since: Annotated[str, Meta(description="The version that deprecated it.")] | None = None
    removed_in: Annotated[str, Meta(description="The version that no longer has it.")] | None = None
    renamed_to: Annotated[list[FamilyName], Meta(description="What to use in its place.")] = []


class PrefixRule(_Table, frozen=True, kw_only=True):
    """A prefix that belongs to one exporter, and the spellings that are wrong."""

    prefix: Annotated[str, Meta(min_length=1, max_length=100, description="As it must be: `sglang:`.")]
    instead_of: Annotated[
        list[Annotated[str, Meta(min_length=1, max_length=100)]],
        Meta(description="Wrong spellings of it: `sglang_`, `sglang:sglang:`."),
    ] = []
    closed: Annotated[
        bool, Meta(description="Whether the policy names every family of this prefix: others are then unknown.")
    ] = False
    python_client: Annotated[
        bool,
        Meta(
            description="Whether the exporter is Python's prometheus-client, which from 0.23 on answers OpenMetrics "
            "with `_` in place of `:`."
        ),
    ] = False


class Policy(_Table, frozen=True, kw_only=True):
    """A whole policy: the content of a policy file."""

    name: Annotated[str, Meta(min_length=1, max_length=100, description="What it is the policy of: `sglang`.")]
    version: Annotated[str, Meta(description="The version of the software that it describes.")] | None = None
    sources: Annotated[list[str], Meta(description="Where its facts come from.")] = []
    prefixes: list[PrefixRule] = []
    families: Annotated[dict[FamilyName, Family], Meta(description="Family, or pattern with `*`, to its rules.")] = {}
