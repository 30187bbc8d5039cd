"""What a broken link was probably meant to be, and which of the answers are certain enough for `--fix`."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fix_repository import Repository
from link_runs import links
from trueup.links.anchors import Anchors
from trueup.links.guess import Guess

Make = Callable[..., Repository]

PAGE = "# A page\n\nWith enough lines\nof its own\nthat Git sees\na rename\n"
OTHER = "# Another\n\nQuite different\nlines which\nnothing else has\n"


def answers(repository: Repository, *args: str) -> list[tuple[str, str | None, bool]]:
    """For each finding: target, suggestion, whether `--fix` would write it."""
    found = links(repository.root, *args)
    return [(one["target"], one["suggestion"], one["edit"] is not None) for one in found.findings]


FILES = [
    # what there is, a link, what is suggested, and whether that is certain
    ({"docs/setup-guide.md": ""}, "docs/setup-guid.md", "docs/setup-guide.md (the nearest name in that folder)", False),
    ({"docs/setup.md": ""}, "setup.md", "docs/setup.md (the only file of that name)", False),
    ({"docs/quickstart.md": ""}, "quickstart.md", "docs/quickstart.md (the only file of that name)", True),
    ({"docs/quickstart.md": "# X\n"}, "quickstart.md#x", "docs/quickstart.md#x (the only file of that name)", True),
    ({"docs/quickstart.md": ""}, "/quickstart.md", "/docs/quickstart.md (the only file of that name)", True),
    ({"doc/quickstart.md": ""}, "docs/quickstart.md", "doc/quickstart.md (the only file of that name)", True),
    ({"one/x.md": "", "two/x.md": ""}, "tow/x.md", "two/x.md (the nearest of 2 files of that name)", False),
    ({"docs/README.md": ""}, "src/README.md", None, False),
    ({"docs/setup.md": ""}, "docs/setup", "docs/setup.md (its ending is missing)", False),
    (
        {"docs/my long file.md": ""},
        "my%20long%20file.md",
        "docs/my%20long%20file.md (the only file of that name)",
        True,
    ),
    ({"docs/Setup.md": ""}, "docs/setup.md", "docs/Setup.md", True),
    ({"docs/x.md": ""}, "completely-else.md", None, False),
    ({}, "someone@example.org", "mailto:someone@example.org (an e-mail address)", True),
    ({}, "www.example.org/x", "https://www.example.org/x (a host's name)", True),
    ({}, "example.org/x", "https://example.org/x (a host's name)", False),
    ({"docs/x.md": ""}, "docs\\x.md", "docs/x.md", True),
    ({"docs/x.md": ""}, "docs/x.md/", "docs/x.md", True),
]


@pytest.mark.parametrize(("files", "link", "suggestion", "certain"), FILES, ids=[row[1] for row in FILES])
def test_files(files: dict[str, str], link: str, suggestion: str | None, certain: bool, make_repository: Make) -> None:
    repository = make_repository({**files, "a.md": f"[x]({link})\n"})
    assert [answer[1:] for answer in answers(repository)] == [(suggestion, certain)]


ANCHORS = ("getting-started", "the-set-up", "faq", "user-content-faq", "display--layout")
FRAGMENTS = [
    ("getting-startet", (), Guess("getting-started", False, "the nearest anchor")),
    ("Getting Started", ("getting-started",), Guess("getting-started", True, "its slug")),
    ("the_setup", (), Guess("the-set-up", True, "the only anchor with these letters")),
    ("F-A-Q", (), Guess("faq", True, "the only anchor with these letters")),
    ("display-layout", (), Guess("display--layout", True, "the only anchor with these letters")),
    ("zzzzzz", (), None),
    ("---", (), None),
    ("", (), None),
]


@pytest.mark.parametrize(("fragment", "slugs", "expected"), FRAGMENTS, ids=[row[0] for row in FRAGMENTS])
def test_fragments(fragment: str, slugs: tuple[str, ...], expected: Guess | None) -> None:
    assert Anchors(frozenset(ANCHORS), lambda _: slugs, False).guess(fragment) == expected


def test_two_anchors_with_the_same_letters_are_no_certainty() -> None:
    guess = Anchors(frozenset(("set-up", "s-etup")), lambda _: (), False).guess("setup")
    assert guess is not None
    assert not guess.certain


def test_a_staged_rename(make_repository: Make) -> None:
    repository = make_repository({"a.md": "[x](old.md#a-page)\n", "old.md": PAGE, "z/new.md": OTHER})
    repository.git("mv", "old.md", "docs.md")
    assert answers(repository) == [("old.md#a-page", "docs.md#a-page (it was renamed)", True)]


def test_a_rename_in_history_is_looked_for_when_asked(make_repository: Make) -> None:
    repository = make_repository({"a.md": "[x](old.md)\n", "old.md": PAGE})
    repository.git("mv", "old.md", "middle.md")
    repository.commit()
    repository.git("mv", "middle.md", "q.md")
    repository.commit()
    repository.commit({"b.md": OTHER})
    assert answers(repository) == [("old.md", None, False)]
    assert answers(repository, "--history") == [("old.md", "q.md (it was renamed)", True)]


def test_a_file_that_was_renamed_and_then_deleted_has_no_answer(make_repository: Make) -> None:
    repository = make_repository({"a.md": "[x](old.md)\n", "old.md": PAGE})
    repository.git("mv", "old.md", "q.md")
    repository.commit()
    repository.git("rm", "--quiet", "q.md")
    repository.commit()
    assert answers(repository, "--history") == [("old.md", None, False)]


def test_a_rename_there_and_back_ends(make_repository: Make) -> None:
    repository = make_repository({"a.md": "[x](one.md)\n", "one.md": PAGE})
    for old, new in (("one.md", "two.md"), ("two.md", "one.md"), ("one.md", "two.md")):
        repository.git("mv", old, new)
        repository.commit()
    assert answers(repository, "--history") == [("one.md", "two.md (it was renamed)", True)]


def test_a_renamed_folder_takes_unchanged_names_along(make_repository: Make) -> None:
    repository = make_repository(
        {"a.md": "[x](guide/two.md) [y](guide/)\n", "guide/one.md": PAGE, "guide/two.md": OTHER}
    )
    repository.git("mv", "guide", "manual")
    repository.commit()
    assert answers(repository, "--history") == [
        ("guide/two.md", "manual/two.md (it was renamed)", True),
        ("guide/", "manual (its folder was renamed)", True),
    ]


def test_names_with_newlines_in_the_history(make_repository: Make) -> None:
    """Git's answers are taken apart at NUL bytes, never at line ends."""
    repository = make_repository({"a.md": "[x](old.md)\n", "R100\nodd.md": OTHER, "old.md": PAGE})
    repository.git("mv", "R100\nodd.md", "odder\nR100.md")
    repository.git("mv", "old.md", "q.md")
    repository.commit()
    assert answers(repository, "--history") == [("old.md", "q.md (it was renamed)", True)]


def test_own_urls(make_repository: Make) -> None:
    url = "https://github.com/acme/widgets/blob/main"
    repository = make_repository(
        {
            "a.md": f"[1]({url}/old.md#a-page) [2]({url}/DOCS/b.md) [3]({url}/zzz.md)\n",
            "old.md": PAGE,
            "docs/b.md": OTHER,
        }
    )
    repository.git("remote", "add", "origin", "https://github.com/acme/widgets")
    repository.git("mv", "old.md", "q.md")
    assert answers(repository) == [
        (f"{url}/old.md#a-page", f"{url}/q.md#a-page", True),
        (f"{url}/DOCS/b.md", f"{url}/docs/b.md", True),
        (f"{url}/zzz.md", None, False),
    ]
