"""`--fix` changes the bytes of targets and no others; `--diff` shows the same as a patch."""

from __future__ import annotations

import contextlib
import io
import itertools
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fix_repository import Repository
from link_runs import links

Make = Callable[..., Repository]

# What stands in a document, and how it must read after the mend.
PIECES = (
    *(("[a](Docs/x.md)", "[a](docs/x.md)"), ("![a](<DOCS/x.md>)", "![a](<docs/x.md>)"), ("[b](#PART)", "[b](#part)")),
    *(
        ("[c](docs/x.md/)", "[c](docs/x.md)"),
        ("[d](docs\\x.md)", "[d](docs/x.md)"),
        ("[e](docs/X.md#Y)", "[e](docs/x.md#Y)"),
    ),
    *(
        ('<a href="Docs/x.md">f</a>', '<a href="docs/x.md">f</a>'),
        ("[g](docs/x.md#HERE 'Docs/x.md')", "[g](docs/x.md#here 'Docs/x.md')"),
    ),
    *(
        ("`[a](Docs/x.md)`", None),
        ("x <!-- [a](Docs/x.md) -->", None),
        ("Docs/x.md (Docs/x.md)", None),
        ("[h](gone.md)", None),
    ),
    *(
        ("[i](docs/x.md)", None),
        ("größe 🚀", None),
        ("\n\n    [a](Docs/x.md)\n\n", None),
        ("\n\n```\n[a](Docs/x.md)\n```\n\n", None),
    ),
    *(
        ("\n", None),
        ("\n\n", None),
        ("\r\n", None),
        ("x\t", None),
        (" \\* &amp; ", None),
        ("\n\n# Part\n\n", None),
        ("[j](new.md)", None),
    ),
)
DOCUMENTS = st.tuples(st.booleans(), st.lists(st.sampled_from(PIECES), max_size=12), st.booleans())


def mended(pieces: list[tuple[str, str | None]]) -> tuple[str, str]:
    """A document before and after; every piece stands in a paragraph of its own, or between blanks."""
    before = after = "# Part\n\n"
    for written, right in pieces:
        before += written + " "
        after += (written if right is None else right) + " "
    return before, after


def diff(repository: Repository, *args: str) -> bytes:
    output = io.BytesIO()
    with contextlib.redirect_stdout(io.TextIOWrapper(output, encoding="utf-8", write_through=True)) as stream:
        links(repository.root, "--diff", *args)
        stream.flush()
        return output.getvalue()


def tree(repository: Repository) -> dict[str, tuple[bytes, int]]:
    found = {}
    for folder, folders, files in os.walk(repository.root):
        folders[:] = [name for name in folders if name != ".git"]
        for name in files:
            place = Path(folder, name)
            content = os.fsencode(os.readlink(place)) if place.is_symlink() else place.read_bytes()
            found[str(place.relative_to(repository.root))] = (content, place.lstat().st_mode)
    return found


def copy_of(repository: Repository, root: Path) -> Repository:
    subprocess.run(["cp", "-a", str(repository.root), str(root)], check=True)
    return Repository(root)


@settings(max_examples=20, deadline=None)
@given(documents=st.lists(DOCUMENTS, min_size=1, max_size=3))
def test_only_targets_change(documents: list[tuple[bool, list[tuple[str, str | None]], bool]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        repository = Repository(Path(folder) / "repository")
        repository.write("docs/x.md", "# Y\n\n<a id='Y'></a>\n\n# Here\n")
        expected = {}
        for number, (has_bom, pieces, ends_line) in enumerate(documents):
            texts = [("\ufeff" * has_bom + text + "\n" * ends_line).encode() for text in mended(pieces)]
            repository.write(f"{number}.md", texts[0])
            expected[f"{number}.md"] = texts[1]
        repository.add()
        links(repository.root, "--fix")
        assert {path: (repository.root / path).read_bytes() for path in expected} == expected
        again = links(repository.root, "--fix")
        assert {path: (repository.root / path).read_bytes() for path in expected} == expected
        assert all(finding["edit"] is None for finding in again.findings)


ODD_NAMES = (
    "plain.md",
    "sp ace.md",
    'quo"te.md',
    "new\nline.md",
    "tab\there.md",
    "größe.md",
    "back\\slash.md",
    "b\udce9d.md",
    "a => b.md",
)


@pytest.mark.parametrize(("name", "ending"), [*zip(ODD_NAMES, itertools.cycle(["\r\n", "\n"]), strict=False)])
def test_the_patch_makes_the_same_tree(name: str, ending: str, make_repository: Make, tmp_path: Path) -> None:
    lines = ["# Part", "", *["text"] * 9, "[a](Docs/x.md) [b](#PART)", *["text"] * 9, "[c](gone.md)", "[a](DOCS/x.md)"]
    repository = make_repository({"docs/x.md": "\n"})
    place = os.fsencode(repository.root) + b"/" + name.encode("utf-8", "surrogateescape")
    Path(os.fsdecode(place)).write_bytes(b"\xef\xbb\xbf" + ending.join(lines).encode())
    repository.commit()
    fixed, patched = (copy_of(repository, tmp_path / name) for name in ("fixed", "patched"))

    links(fixed.root, "--fix")
    patch = diff(patched)
    untouched = tree(patched)
    subprocess.run(["git", "apply", "-"], cwd=patched.root, input=patch, check=True)

    assert untouched == tree(repository), "--diff writes nothing"
    assert tree(fixed) == tree(patched) != untouched
    assert diff(patched) == b""


def test_the_pipe_that_the_documentation_shows(make_repository: Make) -> None:
    """The report follows the patch on the same output."""
    repository = make_repository({"a.md": "[a](A.md) [b](gone.md)\n"})
    command = f"{sys.executable} -P -m trueup links --diff | git apply"
    subprocess.run(["sh", "-c", command], cwd=repository.root, check=True)
    assert (repository.root / "a.md").read_text() == "[a](a.md) [b](gone.md)\n"


def test_the_patch_reads_as_expected(make_repository: Make) -> None:
    repository = make_repository({"a.md": "one\ntwo [a](Docs/x.md)\nthree", "docs/x.md": "[up](../A.md)\n"})
    assert diff(repository).decode() == (
        "--- a/a.md\n+++ b/a.md\n@@ -1,3 +1,3 @@\n one\n-two [a](Docs/x.md)\n+two [a](docs/x.md)\n three\n"
        "\\ No newline at end of file\n"
        "--- a/docs/x.md\n+++ b/docs/x.md\n@@ -1 +1 @@\n-[up](../A.md)\n+[up](../a.md)\n"
    )
    assert diff(repository, "docs").decode().startswith("--- a/docs/x.md\n")


def test_bytes_that_are_not_utf8_stay(make_repository: Make, tmp_path: Path) -> None:
    before = b"caf\xe9 [a](Docs/x.md)\n\xff\xfe [b](#TOPIC)\n\n# Topic\n"
    repository = make_repository({"a.md": before, "docs/x.md": "\n"})
    patched = copy_of(repository, tmp_path / "patched")
    after = before.replace(b"Docs/x.md", b"docs/x.md").replace(b"#TOPIC", b"#topic")
    links(repository.root, "--fix")
    assert (repository.root / "a.md").read_bytes() == after
    subprocess.run(["git", "apply", "-"], cwd=patched.root, input=diff(patched), check=True)
    assert (patched.root / "a.md").read_bytes() == after


@pytest.mark.parametrize("mode", [0o644, 0o600, 0o755, 0o400])
def test_the_files_mode_stays(mode: int, make_repository: Make) -> None:
    repository = make_repository({"a.md": "[a](Docs/x.md)\n", "docs/x.md": "\n"})
    (repository.root / "a.md").chmod(mode)
    links(repository.root, "--fix")
    assert (repository.root / "a.md").read_text() == "[a](docs/x.md)\n"
    assert (repository.root / "a.md").stat().st_mode & 0o7777 == mode
    assert sorted(path.name for path in repository.root.iterdir()) == [".git", "a.md", "docs"]


def test_a_document_is_mended_where_it_lies_never_where_a_symlink_shows_it(make_repository: Make) -> None:
    """From `page.md` the same bytes lead elsewhere: mending them for one place would break the other."""
    repository = make_repository({"docs/page.md": "[x](X.md)\n", "docs/X.md": "\n", "x.md": "\n"})
    repository.symlink("page.md", "docs/page.md")
    repository.commit()
    before = tree(repository)
    found = links(repository.root, "--fix")
    assert found.lines == ["page.md:1:5 links/case-mismatch X.md"]
    assert tree(repository) == before


def test_a_symlink_itself_is_never_rewritten(make_repository: Make) -> None:
    repository = make_repository({"docs/page.md": "[x](X.md) [y](../Docs/x.md)\n", "docs/x.md": "\n"})
    repository.symlink("docs/copy.md", "page.md")
    repository.commit()
    links(repository.root, "--fix")
    assert os.readlink(repository.root / "docs/copy.md") == "page.md"
    assert (repository.root / "docs/page.md").read_text() == "[x](x.md) [y](x.md)\n"


@pytest.mark.parametrize("state", [["--staged"], ["--ref", "HEAD"]])
@pytest.mark.parametrize("how", ["--fix", "--diff"])
def test_only_a_work_tree_can_be_mended(state: list[str], how: str, make_repository: Make) -> None:
    repository = make_repository({"a.md": "[a](A.md)\n"})
    done = repository.trueup("links", how, *state)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "trueup: error: --fix and --diff mend the work tree: they do not go with --staged or --ref\n"
    )


def test_a_file_that_a_sparse_checkout_left_out_is_not_made(make_repository: Make) -> None:
    repository = make_repository({"README.md": "\n", "docs/a.md": "[a](A.md)\n"})
    repository.git("sparse-checkout", "set", "--no-cone", "/README.md")
    found = links(repository.root, "--fix")
    assert found.lines == ["docs/a.md:1:5 links/case-mismatch A.md"]
    assert not (repository.root / "docs").exists()
    assert diff(repository) == b""


def test_suppressed_findings_are_not_mended(make_repository: Make) -> None:
    text = "<!-- trueup: ignore links/case-mismatch: a test -->\n[a](A.md)\n\n[b](A.md)\n"
    repository = make_repository({"a.md": text})
    links(repository.root, "--fix")
    assert (repository.root / "a.md").read_text() == text.replace("[b](A.md)", "[b](a.md)")


def test_the_report_tells_what_was_mended(make_repository: Make) -> None:
    repository = make_repository({"a.md": "[a](A.md) [b](A.md) [c](gone.md)\n"})
    found = links(repository.root, "--fix")
    assert (found.code, found.lines) == (1, ["a.md:1:25 links/missing-file gone.md"])
    assert found.notes == ["mended: 2 findings"]
