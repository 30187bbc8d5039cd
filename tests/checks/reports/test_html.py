from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest

from trueup.findings import RunResult
from trueup.reports import render

VOID = {"meta", "input"}


class Page(HTMLParser):
    """What a browser sees: elements with their attributes and text; fails where elements do not nest."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None], list[str]]] = []
        self._open: list[tuple[str, dict[str, str | None], list[str]]] = []
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element: tuple[str, dict[str, str | None], list[str]] = (tag, dict(attrs), [])
        self.elements.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element[2].append(data)

    def attributes(self, tag: str, name: str) -> list[str]:
        return [attrs[name] or "" for found, attrs, _ in self.elements if found == tag and name in attrs]

    def texts(self, tag: str, kind: str | None = None) -> list[str]:
        return [
            " ".join(" ".join(text).split())
            for found, attrs, text in self.elements
            if found == tag and (kind is None or kind in (attrs.get("class") or "").split())
        ]


def test_findings_stand_under_their_files(small: RunResult) -> None:
    page = Page(render("html", small))
    assert page.texts("title") == ["trueup: 3 errors, 1 warning in 2 files"]
    assert page.texts("h3") == ["docs/guide.md 2 1", "docs/latest 1"]
    assert page.texts("li", "finding") == [
        "7:5 warning #KV-Router differs from the anchor kv-router in case only → #kv-router links/fragment-case",
        "12:5 error docs/instal.md is not in the repository → install.md links/missing-file",
        "40:5 error old.md is not in the repository It was renamed to new.md in 1f3c9a2. links/missing-file",
        "file error the symlink's target v9 is not in the repository symlinks/broken",
    ]
    assert page.texts("div", "tile") == [
        "3 errors", "1 warning", "2 files with findings", "1 suppressed", "690 files", "32,177 links",
    ]  # fmt: skip
    assert page.texts("option") == [
        "all rules", "links/missing-file (2)", "symlinks/broken (1)", "links/fragment-case (1)",
    ]  # fmt: skip
    assert page.texts("summary")[0] == "1 suppressed"
    assert page.texts("details") == [
        "1 suppressed docs/api.md:12:5 docs/instal.md is not in the repository config: made by the build "
        "links/missing-file",
        "1 note: what was not checked, or decided without being told third_party/x "
        "a submodule is not checked out: 3 links into it not checked links",
    ]
    assert page.attributes("a", "href") == []


def test_links_lead_to_the_line_on_github(small: RunResult) -> None:
    page = Page(render("html", small, repository="octo/repo", ref="feature/x#1"))
    base = "https://github.com/octo/repo/blob/feature/x%231/docs"
    assert page.attributes("a", "href") == [
        "https://github.com/octo/repo/tree/feature/x%231",
        f"{base}/guide.md",
        f"{base}/guide.md?plain=1#L7",
        f"{base}/guide.md?plain=1#L12",
        f"{base}/guide.md?plain=1#L40",
        f"{base}/latest",
        f"{base}/latest",
        f"{base}/api.md?plain=1#L12",
    ]


def test_a_clean_run(clean: RunResult) -> None:
    page = Page(render("html", clean))
    assert page.texts("p", "nothing") == ["Nothing wrong."]
    assert page.texts("li") == page.texts("form") == page.texts("details") == []


def test_the_page_loads_nothing_and_runs_only_its_own_script(small: RunResult) -> None:
    html = render("html", small)
    page = Page(html)
    [policy] = [value for value in page.attributes("meta", "content") if "default-src" in value]
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    for tag, directive in (("style", "style-src"), ("script", "script-src")):
        [text] = [text for found, _, text in page.elements if found == tag]
        digest = base64.b64encode(hashlib.sha256("".join(text).encode()).digest()).decode()
        assert directives[directive] == f"'sha256-{digest}'"
    assert directives["default-src"] == "'none'"
    assert {tag for tag, _, _ in page.elements} & {"link", "img", "iframe", "object"} == set()
    assert page.attributes("script", "src") == []
    assert re.findall(r"url\(|@import", html) == []
    assert [name for _, attrs, _ in page.elements for name in attrs if name.startswith("on") or name == "style"] == []


@pytest.mark.parametrize("repository", [None, 'o/"><script>alert(2)</script>'])
def test_hostile_text_is_shown_not_obeyed(hostile: RunResult, repository: str | None) -> None:
    html = render("html", hostile, repository=repository, ref="main")
    html.encode()
    assert set(html) & set("\x1b\x07\x9b\x00\u202e\u2066\u2028\r") == set()
    assert "##[" not in html
    assert [line for line in html.splitlines() if line.lstrip().startswith("::")] == []
    page = Page(html)
    assert len(page.texts("script")) == 1
    assert all(href.startswith("https://github.com/o/%22%3E%3Cscript%3E") for href in page.attributes("a", "href"))
    assert (
        r"::error::a\n::error file=x::b,c%0A\x1b[31m<script>alert(1)</script>]]>##[add-mask]m|`" in page.texts("h3")[0]
    )
    shown = (
        r"error a\n::error::x \r\n##[set-output name=a]b \x1b]0;owned\x07 \x9b31m ]]> <script>alert(1)</script> <!--"
    )
    assert any(shown in text for text in page.texts("li"))


def test_words_between_backquotes_are_code(small: RunResult) -> None:
    import msgspec

    changed = msgspec.structs.replace(small.findings[0], message="`<a>` and `b`, not `c")
    paired = msgspec.structs.replace(small.findings[0], message="`<a>` and `b`")
    page = Page(render("html", msgspec.structs.replace(small, findings=[changed, paired], suppressed=[], notes=[])))
    assert page.texts("code") == ["<a>", "b"]


def test_every_finding_is_there(many: RunResult) -> None:
    page = Page(render("html", many))
    assert len(page.texts("li", "finding")) == 2000
    assert page.texts("output") == ["2,000 shown"]
