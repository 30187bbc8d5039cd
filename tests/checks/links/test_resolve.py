"""The verdict as a whole: what the cases cannot hold, such as order of precedence, messages, and hostile targets."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fix_repository import Repository
from link_runs import links
from trueup.links.paths import encode, join, relative_to
from trueup.links.targets import has_scheme, normalise, split

Make = Callable[..., Repository]

MESSAGES = [
    ("gone.md", "gone.md is not in the repository"),
    ("Docs/x.md", "Docs/x.md is tracked as docs/x.md"),
    ("docs/x.md#nowhere", "docs/x.md has no heading or anchor #nowhere"),
    ("#nowhere", "this file has no heading or anchor #nowhere"),
    ("docs#nowhere", "the directory docs shows no README, so there is no #nowhere"),
    ("docs/x.md?plain=1#here", "the plain view of docs/x.md has no anchor #here, only lines (#L12)"),
    ("docs/x.md#L9", "#L9 points behind the end of docs/x.md, which has 1 lines"),
    ("docs/x.md/", "docs/x.md/ is a file, but the link ends in a slash"),
    ("../x", "the link climbs out of the repository to x"),
    ("docs\\x.md", "the target docs\\x.md is written with backslashes"),
    ("100%.md", "the target 100%.md holds a % that begins no escape"),
    ("untracked.md", "untracked.md lies here, but Git does not track it"),
    ("", "the link has no target"),
]


@pytest.mark.parametrize(("target", "message"), MESSAGES, ids=[row[0] or "empty" for row in MESSAGES])
def test_messages(target: str, message: str, make_repository: Make) -> None:
    repository = make_repository({"a.md": f"[x](<{target}>)\n", "docs/x.md": "# Here\n"})
    repository.write("untracked.md", "\n")
    (finding,) = links(repository.root).findings
    assert finding["message"] == message


PRECEDENCE = [
    # a target with two faults, and the one that is told
    ("../docs/X.md", "links/outside-repository"),
    ("docs/X.md#nowhere", "links/case-mismatch"),
    ("docs/x.md/#nowhere", "links/file-with-slash"),
    ("gone.md?plain=1#part", "links/missing-file"),
    ("docs/x.md?plain=1#L9", "links/line-out-of-range"),
    ("DOCS\\x.md", "links/malformed"),
    ("link/X.md", "links/missing-file"),
]


@pytest.mark.parametrize(("target", "rule"), PRECEDENCE, ids=[row[0] for row in PRECEDENCE])
def test_one_fault_is_told_for_one_link(target: str, rule: str, make_repository: Make) -> None:
    repository = make_repository({"a.md": f"[x](<{target}>)\n", "docs/x.md": "# Here\n"})
    repository.symlink("link", "docs")
    repository.commit()
    assert [finding["rule"] for finding in links(repository.root).findings] == [rule]


def test_ordinals_and_fingerprints_do_not_know_lines(make_repository: Make) -> None:
    repository = make_repository({"a.md": "[x](gone.md)\n\n[y](gone.md) [z](other.md)\n"})
    before = [finding["fingerprint"] for finding in links(repository.root).findings]
    repository.write("a.md", "# New\n\nlines\n\n[x](gone.md)\n\n[y](gone.md) [z](other.md)\n")
    after = links(repository.root)
    assert [finding["line"] for finding in after.findings] == [5, 7, 7]
    assert [finding["fingerprint"] for finding in after.findings] == before
    assert len(set(before)) == 3


# --- hostile targets: bounded time

LONG = 400_000
HUGE = {
    "many folders": "a/" * LONG,
    "many steps up": "../" * LONG,
    "one long name": "a" * LONG,
    "escapes": "%20" * LONG,
    "an address": "a@" + "a." * LONG + "com",
    "a host": "a." * LONG + "comx",
    "a fragment": "#" + "x-" * LONG,
    "a fragment elsewhere": "docs/x.md#" + "x-" * LONG,
    "line numbers": "docs/x.md#L" + "1" * LONG,
    "schemes": "a:" * LONG,
    "below a symlink": "link/" + "a/" * LONG,
    "another case": "DOCS/" + "a/" * LONG,
    "below a file": "docs/x.md/" + "a/" * LONG,
    "an own URL": "https://github.com/acme/widgets/blob/main/" + "a/" * LONG,
    "an own URL's ref": "https://github.com/acme/widgets/blob/" + "a/" * LONG,
    "templates": "{" * LONG,
    "brackets": "](" * LONG,
}


@pytest.mark.parametrize("target", HUGE.values(), ids=HUGE)
def test_a_megabyte_of_target_is_judged_in_time(target: str, make_repository: Make) -> None:
    """Anything that goes through prefixes of a path one by one would take minutes here."""
    repository = make_repository({"a.md": f"[x](<{target}>)\n", "docs/x.md": "# Here\n"})
    repository.symlink("link", "docs")
    repository.commit()
    started = time.process_time()
    found = links(repository.root, "--no-cache", "--diff", "--repository", "acme/widgets")
    assert time.process_time() - started < 10
    assert len(found.findings) <= 1


# --- paths and targets

SEGMENTS = st.lists(st.sampled_from(("a", "b.md", "..", ".", "", "...", "ü")), max_size=8).map("/".join)


@given(folder=st.lists(st.sampled_from("abc"), max_size=4).map("/".join), relative=SEGMENTS)
def test_join_is_what_an_obvious_walk_does(folder: str, relative: str) -> None:
    place, above = folder.split("/") if folder else [], 0
    for segment in relative.split("/"):
        if segment == ".." and place:
            place.pop()
        elif segment == "..":
            above += 1
        elif segment not in ("", "."):
            place.append(segment)
    assert join(folder, relative) == ("/".join(place), above)


NAMES = st.lists(
    st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=5), max_size=4
)


@given(path=NAMES, folder=NAMES)
def test_what_is_written_leads_back(path: list[str], folder: list[str]) -> None:
    """A suggestion, put into a file of `folder` and read as a browser does, is the path that was meant."""
    path = [name for name in path if name not in (".", "..")]
    folder = [name for name in folder if name not in (".", "..")]
    written = encode(relative_to("/".join(path), "/".join(folder)))
    target = normalise(written)
    assert target == written
    assert not has_scheme(target)
    assert join("/".join(folder), split(target).path) == ("/".join(path), 0)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_the_normal_form_is_stable_and_plain(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once
    assert once.isascii()
    assert not set(once) & set(' <>"\\^`{|}\n\t')


@pytest.mark.parametrize(
    ("target", "path", "query", "fragment"),
    [
        ("a.md", "a.md", "", None),
        ("a.md#", "a.md", "", ""),
        ("a.md?x=1#y", "a.md", "x=1", "y"),
        ("a.md#y?x=1", "a.md", "", "y?x=1"),
        ("a%23b%3Fc.md#d%20e", "a#b?c.md", "", "d e"),
        ("%FF.md", "\udcff.md", "", None),
        ("?q", "", "q", None),
        ("#a#b", "", "", "a#b"),
    ],
)
def test_parts_of_a_target(target: str, path: str, query: str, fragment: str | None) -> None:
    assert split(target) == (path, query, fragment)


@pytest.mark.parametrize("target", ["https://x", "mailto:a@b", "//host/x", "vscode:extension/x", "HTTP://x", "a+b:c"])
def test_what_has_a_scheme(target: str) -> None:
    assert has_scheme(target)


@pytest.mark.parametrize("target", ["a.md", "/a:b", "./a:b", "c:/x", "1a:b", "a_b:c", ":x", "#a:b", "/"])
def test_what_has_none(target: str) -> None:
    """One letter is a Windows drive, not a scheme."""
    assert not has_scheme(target)
