"""Which site a path belongs to, and what a target may mean there."""

from __future__ import annotations

from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fix_repository import Repository
from link_runs import links
from trueup.config.model import FlavourRule, Links
from trueup.links.flavours import Flavours, Site, is_knowable, readings
from trueup.repo import open_view


def sites(repository: Repository, *rules: FlavourRule) -> tuple[Flavours, dict[str, str]]:
    with closing(open_view(str(repository.root))) as view:
        flavours = Flavours(view, Links(flavours=list(rules)))
        return flavours, {path: flavours.of(path).flavour for path in view.entries if path.endswith(".md")}


DETECTED = [
    ("book.toml", "[book]\ntitle = 'x'\n", "src/a.md", "mdbook"),
    ("book.toml", '[book]\nsrc = "text"\n', "text/a.md", "mdbook"),
    ("book.toml", "[book]\nsrc = '.'\n", "a.md", "mdbook"),
    ("book.toml", "[book]\nsrc = 'nowhere'\n", "src/a.md", "github"),
    ("book.toml", "not TOML at all [[[", "src/a.md", "mdbook"),
    ("book.toml", "[book]\n", "a.md", "github"),
    ("x/book.toml", "[book]\n", "x/src/a.md", "mdbook"),
    ("x/book.toml", "[book]\n", "src/a.md", "github"),
    ("mkdocs.yml", "site_name: x\n", "docs/a.md", "mkdocs"),
    ("mkdocs.yaml", "docs_dir: 'text'  # here\n", "text/deep/a.md", "mkdocs"),
    ("docusaurus.config.js", "", "docs/a.md", "docusaurus"),
    ("docusaurus.config.mjs", "", "blog/a.md", "docusaurus"),
    ("docusaurus.config.js", "", "versioned_docs/v1/a.md", "docusaurus"),
    ("docusaurus.config.js", "", "src/pages/a.md", "docusaurus"),
    ("docusaurus.config.js", "", "README.md", "github"),
    ("hugo.toml", "", "content/a.md", "hugo"),
    ("hugo.yaml", "", "content/a.md", "hugo"),
    ("config.toml", "baseURL = 'x'\n", "content/a.md", "hugo"),
    ("config.yaml", "baseurl: x\n", "content/a.md", "hugo"),
    ("config.toml", "other = 1\n", "content/a.md", "github"),
    ("config.toml", "baseURL = 'x'\n", "docs/a.md", "github"),
]


@pytest.mark.parametrize(
    ("config", "text", "page", "flavour"), DETECTED, ids=[f"{row[0]} {row[2]} {row[3]}" for row in DETECTED]
)
def test_detection(config: str, text: str, page: str, flavour: str, repository: Repository) -> None:
    repository.write(config, text)
    repository.write(page, "\n")
    repository.add()
    flavours, found = sites(repository)
    assert found == {page: flavour}
    if flavour != "github":
        assert [note.message for note in flavours.notes] == [f"read as {flavour}: found {config}"]


def test_the_innermost_site_decides(repository: Repository) -> None:
    for path in ("mkdocs.yml", "docs/book/book.toml", "docs/book/src/a.md", "docs/b.md", "c.md"):
        repository.write(path, "\n")
    repository.add()
    assert sites(repository)[1] == {"docs/book/src/a.md": "mdbook", "docs/b.md": "mkdocs", "c.md": "github"}


def test_configuration_replaces_detection(repository: Repository) -> None:
    for path in ("mkdocs.yml", "docs/a.md", "site/content/b.md", "c.md"):
        repository.write(path, "\n")
    repository.add()
    flavours, found = sites(repository, FlavourRule(paths=["site/"], flavour="hugo", root="/site/content/"))
    assert found == {"docs/a.md": "github", "site/content/b.md": "hugo", "c.md": "github"}
    assert flavours.notes == []
    site = flavours.of("site/content/b.md")
    assert (site.pages, site.statics) == ("site/content", ("site/content", "site/static", "site/assets"))


@pytest.mark.parametrize("config", ["book.toml", "mkdocs.yml", "config.toml"])
def test_a_generators_file_that_is_no_file_is_not_read(config: str, repository: Repository) -> None:
    repository.symlink(config, "/etc/passwd")
    for path in ("docs/a.md", "src/a.md", "content/a.md"):
        repository.write(path, "[x](gone.md)\n")
    repository.add()
    found = links(repository.root)
    assert f"{config} symlinks/absolute /etc/passwd" in found.lines
    assert len(found.lines) == 4


SITE = Site("mkdocs", "docs", ("docs", "static"))
READINGS = [
    # where, what, and a path that it can mean
    ("docs/a.md", "b.md", "docs/b.md"),
    ("docs/a.md", "b", "docs/b.md"),
    ("docs/a.md", "b/", "docs/b.md"),
    ("docs/a.md", "b.html", "docs/b.md"),
    ("docs/a.md", "b/index.html", "docs/b/README.md"),
    ("docs/a.md", "b/", "docs/b/index.md"),
    ("docs/a.md", "b/", "docs/b/_index.md"),
    ("docs/a.md", "../b/", "docs/b.md"),
    ("docs/a.md", "pic.png", "docs/a/pic.png"),
    ("docs/index.md", "b", "docs/b.md"),
    ("docs/sub/_index.md", "../b/", "docs/b.md"),
    ("docs/a.md", "/b", "docs/b.md"),
    ("docs/a.md", "/logo.png", "static/logo.png"),
    ("docs/a.md", "/", "docs/index.md"),
    ("a.md", "b", "b.md"),
]


@pytest.mark.parametrize(("source", "target", "path"), READINGS, ids=[f"{row[0]} {row[1]}" for row in READINGS])
def test_what_a_target_can_mean(source: str, target: str, path: str) -> None:
    assert path in list(readings(SITE, source, target))


@pytest.mark.parametrize(
    ("source", "target", "path"),
    [
        ("docs/index.md", "b", "docs/index/b.md"),
        ("docs/a.md", "../../../x", "x.md"),
        ("docs/a.md", "/b", "b.md"),
        ("docs/a.md", "b.md", "docs/b.html"),
    ],
)
def test_what_it_cannot_mean(source: str, target: str, path: str) -> None:
    assert path not in list(readings(SITE, source, target))


WORDS = st.lists(
    st.sampled_from(("a", "b.md", "..", ".", "", "index.html", "c.html", "README")), min_size=1, max_size=6
)


@given(source=WORDS, target=WORDS, flavour=st.sampled_from(("mdbook", "mkdocs", "docusaurus", "hugo")))
def test_no_reading_leaves_the_repository(source: list[str], target: list[str], flavour: str) -> None:
    place = "/".join(part for part in source if part not in ("..", ".", "")) or "a.md"
    found = list(readings(Site(flavour, "docs", ("docs", "static")), place, "/".join(target)))
    assert len(found) < 100
    for path in found:
        assert not path.startswith("/")
        assert ".." not in path.split("/")


KNOWABLE = [
    ("mdbook", "x.html", True),
    ("mdbook", "../../outside/", False),
    ("mdbook", "/anywhere", False),
    ("mkdocs", "x/", True),
    ("mkdocs", "/x/", False),
    ("docusaurus", "x.md", True),
    ("docusaurus", "x", False),
    ("docusaurus", "/x.md", False),
    ("hugo", "x.md", True),
    ("hugo", "x/", False),
    ("hugo", "/x.md", False),
]


@pytest.mark.parametrize(("flavour", "target", "expected"), KNOWABLE, ids=[f"{row[0]} {row[1]}" for row in KNOWABLE])
def test_what_a_generators_settings_may_explain_is_not_reported(flavour: str, target: str, expected: bool) -> None:
    assert is_knowable(Site(flavour, "docs", ("docs",)), "docs/a.md", target) is expected
