"""Which scrapers get the same names, and what becomes of a name on the way to each."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from trueup.metrics.doctor.asking import Names, Reply


@dataclasses.dataclass(slots=True)
class Group:
    """Scrapers that get the same series names."""

    replies: list[Reply]
    names: Names

    @property
    def title(self) -> str:
        """The first scraper, for sentences."""
        return self.replies[0].scraper.title


@dataclasses.dataclass(slots=True)
class Diagnosis:
    """What the answers come to."""

    groups: list[Group]  # by design alike: those that rewrite are not in it
    rewriting: list[Group]
    failed: list[Reply]
    renamed: dict[str, str]  # a name with colons, and what some scrapers get in its place
    only_some: dict[str, list[str]]  # other names: the titles of the groups that have them
    split: list[Group]  # answers whose metadata and samples disagree
    wrong_type: list[Reply]  # a Content-Type that the body contradicts

    @property
    def is_sound(self) -> bool:
        """Whether every scraper stores the same."""
        return len(self.groups) <= 1 and not self.split and not self.failed and not self.wrong_type


def diagnose(replies: Sequence[Reply]) -> Diagnosis:
    """Compares what came; the first group is the one that curl belongs to."""
    groups = _grouped([one for one in replies if not one.scraper.rewrites])
    rewriting = _grouped([one for one in replies if one.scraper.rewrites])
    renamed: dict[str, str] = {}
    everywhere = set.intersection(*(set(group.names.normal) for group in groups)) if groups else set()
    seen = set().union(*(group.names.normal for group in groups)) if groups else set()
    for name in sorted(seen - everywhere):
        plain = name.replace(":", "_")
        if plain != name and plain in seen:
            renamed[name] = plain
    rest = seen - everywhere - renamed.keys() - set(renamed.values())
    only_some = {name: [group.title for group in groups if name in group.names.normal] for name in sorted(rest)}
    return Diagnosis(
        groups=groups,
        rewriting=rewriting,
        failed=[one for one in replies if one.names is None and not _is_protobuf(one) and not one.scraper.rewrites],
        renamed=renamed,
        only_some=only_some,
        split=[group for group in groups if _disagrees(group.names)],
        wrong_type=[one for one in replies if _contradicts(one)],
    )


def _grouped(replies: Sequence[Reply]) -> list[Group]:
    groups: list[Group] = []
    for reply in replies:
        if reply.names is None:
            continue
        for group in groups:
            if group.names.normal.keys() == reply.names.normal.keys():
                group.replies.append(reply)
                break
        else:
            groups.append(Group([reply], reply.names))
    return groups


def _disagrees(names: Names) -> bool:
    """Metadata of `sglang:x` beside samples of `sglang_x`."""
    return any(
        orphan.replace(":", "_") != orphan and any(name.startswith(orphan.replace(":", "_")) for name in names.series)
        for orphan in names.orphans
    )


def _contradicts(reply: Reply) -> bool:
    if reply.answer is None or reply.names is None:
        return False
    kind = reply.answer.content_type.split(";")[0].strip().lower()
    says = kind == "application/openmetrics-text"
    is_it = reply.answer.body.rstrip(b"\n").endswith(b"# EOF")
    return says != is_it or kind not in ("text/plain", "application/openmetrics-text")


def _is_protobuf(reply: Reply) -> bool:
    return reply.answer is not None and "protobuf" in reply.answer.content_type
