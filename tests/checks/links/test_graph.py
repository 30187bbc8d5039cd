"""`trueup links --graph`: what links to a file."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fix_repository import Repository

Make = Callable[..., Repository]

FILES = {
    "README.md": "[guide](docs/guide.md#use) ![logo](img/logo.png)\n\n"
    "[folder](docs/) [same](docs/guide.md)\n[gone](gone.md)\n",
    "docs/guide.md": "# Use\n\n[up](../README.md) [self](#use) [home](https://example.org)\n\n"
    "[ref]: <../img/logo.png>\n\n[ref] [ref][]\n",
    "docs/other.md": "[old](https://github.com/acme/widgets/blob/main/docs/guide.md) "
    "<a href='/docs/guide.md?plain=1'>x</a>\n",
    "img/logo.png": "not a picture\n",
}


@pytest.fixture
def linked(make_repository: Make) -> Repository:
    repository = make_repository(FILES)
    repository.git("remote", "add", "origin", "https://github.com/acme/widgets")
    return repository


def graph(repository: Repository, *args: str) -> list[str]:
    done = repository.trueup("links", "--graph", *args)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def test_all_links_by_source_and_place(linked: Repository) -> None:
    assert graph(linked) == [
        "README.md:1:9: docs/guide.md#use -> docs/guide.md",
        "README.md:1:36: img/logo.png -> img/logo.png",
        "README.md:3:10: docs/ -> docs",
        "README.md:3:24: docs/guide.md -> docs/guide.md",
        "docs/guide.md:3:6: ../README.md -> README.md",
        "docs/guide.md:5:9: ../img/logo.png -> img/logo.png",
        "docs/other.md:1:7: https://github.com/acme/widgets/blob/main/docs/guide.md -> docs/guide.md",
        "docs/other.md:1:73: /docs/guide.md?plain=1 -> docs/guide.md",
        "trueup: 8 links",
    ]


@pytest.mark.parametrize(
    ("to", "expected"),
    [
        ("docs/guide.md", ["README.md:1:9", "README.md:3:24", "docs/other.md:1:7", "docs/other.md:1:73"]),
        ("docs", ["README.md:1:9", "README.md:3:10", "README.md:3:24", "docs/other.md:1:7", "docs/other.md:1:73"]),
        ("docs/", ["README.md:1:9", "README.md:3:10", "README.md:3:24", "docs/other.md:1:7", "docs/other.md:1:73"]),
        ("img/logo.png", ["README.md:1:36", "docs/guide.md:5:9"]),
        ("docs/other.md", []),
    ],
)
def test_links_to_a_file_or_folder(to: str, expected: list[str], linked: Repository) -> None:
    lines = graph(linked, "--to", to)
    assert [line.split(": ")[0] for line in lines[:-1]] == expected
    assert lines[-1] == f"trueup: {len(expected)} link{'' if len(expected) == 1 else 's'} to {to.rstrip('/')}"


def test_named_sources_only(linked: Repository) -> None:
    assert graph(linked, "docs/other.md", "--to", "docs/guide.md")[-1] == "trueup: 2 links to docs/guide.md"


def test_a_link_through_symlinks_leads_to_what_it_shows(make_repository: Make) -> None:
    repository = make_repository({"a.md": "[1](page.md) [2](latest/x.md) [3](v1/x.md)\n", "v1/x.md": "\n"})
    repository.symlink("page.md", "v1/x.md")
    repository.symlink("latest", "v1")
    repository.commit()
    assert [line.rpartition(" ")[2] for line in graph(repository, "a.md")[:-1]] == ["v1/x.md"] * 3


def test_a_sites_addresses_lead_to_its_files(make_repository: Make) -> None:
    repository = make_repository({"mkdocs.yml": "site_name: x\n", "docs/a.md": "[b](b/#x)\n", "docs/b.md": "\n"})
    assert graph(repository, "--to", "docs/b.md") == ["docs/a.md:1:5: b/#x -> docs/b.md", "trueup: 1 link to docs/b.md"]


def test_a_path_that_is_not_there(linked: Repository) -> None:
    done = linked.trueup("links", "--graph", "--to", "docs/guid.md")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("trueup: error: there is no ")
    assert "docs/guid.md" in done.stderr


def test_to_needs_graph(linked: Repository) -> None:
    done = linked.trueup("links", "--to", "README.md")
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "trueup: error: --to goes with --graph\n")


def test_names_are_harmless_on_a_terminal(make_repository: Make) -> None:
    repository = make_repository({"a\x1b[31m\nb.md": "[x](<%1B%0A::error::.md>)\n", "\x1b\n::error::.md": "\n"})
    assert graph(repository) == [
        r"a\x1b[31m\nb.md:1:6: %1B%0A::error::.md -> \x1b\n::error::.md",
        "trueup: 1 link",
    ]
