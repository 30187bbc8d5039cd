"""Which configurations are accepted, and what is said of the others. The table is in `data/`, a file a case."""

from __future__ import annotations

import os
import re
from pathlib import Path

import msgspec
import pytest

from trueup.config import Config, load
from trueup.config.load import MAX_BYTES
from trueup.config.model import (
    Appearance,
    FlavourRule,
    GridConfig,
    GridPair,
    Ignore,
    Links,
    Locks,
    Metrics,
    Override,
    VersionFact,
    VersionPins,
)
from trueup.errors import ConfigError
from trueup.metrics.policy import Family, PrefixRule

DATA = Path(__file__).parent / "data"
ACCEPTED = sorted((DATA / "accepted").glob("*.toml"))
REFUSED = sorted((DATA / "refused").glob("*.toml"))


def expected(place: Path) -> list[str]:
    lines = place.read_text(encoding="utf-8").splitlines()
    return [line[3:] for line in lines if line.startswith("#: trueup.toml:")]


def refusal(root: Path, explicit: Path | None = None) -> str:
    with pytest.raises(ConfigError) as caught:
        load(root, explicit)
    return caught.value.message


@pytest.mark.parametrize("place", REFUSED, ids=lambda place: place.stem)
def test_every_fault_is_told_with_its_line_and_key(place: Path, tmp_path: Path) -> None:
    (tmp_path / "trueup.toml").write_bytes(place.read_bytes())
    assert expected(place), "a case without an expectation"
    assert refusal(tmp_path).split("\n") == expected(place)


@pytest.mark.parametrize("place", REFUSED, ids=lambda place: place.stem)
def test_the_same_is_told_of_pyproject(place: Path, tmp_path: Path) -> None:
    text = place.read_text(encoding="utf-8").replace("[[", "[[tool.trueup.")
    text = re.sub(r"^\[(?!\[)", "[tool.trueup.", text, flags=re.MULTILINE)
    # Keys at the top need the table's header, which takes the place of one line of the comment.
    (tmp_path / "pyproject.toml").write_text("[tool.trueup]\n" + text.split("\n", 1)[1], encoding="utf-8")
    assert refusal(tmp_path).split("\n") == [line.replace("trueup.toml", "pyproject.toml") for line in expected(place)]


@pytest.mark.parametrize("place", ACCEPTED, ids=lambda place: place.stem)
def test_what_makes_sense_is_accepted(place: Path, tmp_path: Path) -> None:
    (tmp_path / "trueup.toml").write_bytes(place.read_bytes())
    assert load(tmp_path).path == "trueup.toml"


def test_every_setting_arrives(tmp_path: Path) -> None:
    (tmp_path / "trueup.toml").write_bytes((DATA / "accepted/everything.toml").read_bytes())
    assert load(tmp_path).config == Config(
        checks=["links", "grid-config", "locks"],
        fail_on="warning",
        baseline="ci/trueup-baseline.json",
        repository="owner/name.js",
        default_branch="main",
        rules={"links/fragment-case": "error", "symlinks/absolute": "off"},
        overrides=[Override(paths=["archive/", "!archive/index.md"], rules={"links/missing-fragment": "warning"})],
        ignore=[
            Ignore(rule="links/*", reason="written by the release job", paths=["docs/**/*.md"], targets=["coverage/*"]),
            Ignore(rule="trueup/unreadable-file", reason="Latin-1 on purpose"),
        ],
        links=Links(
            sources=["**/*.md"],
            exclude=["[Vv]endor/"],
            extend_exclude=["LICENSE*"],
            skip_targets=["api/"],
            engine="markdown-it",
            max_file_bytes=1,
            flavours=[
                FlavourRule(paths=["site/"], flavour="hugo", root="site/content"),
                FlavourRule(paths=["book/"], flavour="mdbook"),
            ],
        ),
        grid_config=GridConfig(
            exclude=["tests/data/"],
            pairs=[
                GridPair(
                    picker="deploy/picker.yaml",
                    router="deploy/router.json",
                    phase="decode",
                    pools={"fast": "decode-tp4"},
                )
            ],
        ),
        metrics=Metrics(
            policies=["builtin:sglang", "metrics.policy.yaml"],
            expositions=["fixtures/*.txt"],
            exclude=["old/"],
            scraper="prometheus-2",
            extra_labels=["team"],
            docs=["docs/**/*.md"],
            reference_docs=["docs/metrics.md"],
            code=["planner/*.py"],
            max_file_bytes=1000,
            prefixes=[PrefixRule(prefix="e:", instead_of=["e_"], closed=True, python_client=True)],
            families={"e:x_total": Family(type="counter", labels=["m"], presence="required")},
        ),
        locks=Locks(exclude=["tests/data/"]),
        version_pins=VersionPins(exclude=["archive/"], extend_exclude=["old/"]),
        versions=[
            VersionFact(
                name="vllm",
                source="dockerfile:docker/Dockerfile#ARG VLLM_REF",
                appears=[
                    "yaml:deploy/*.yaml#image.tag",
                    Appearance(place="text:docs/a.md#vllm {version}", precision="minor"),
                    Appearance(place="toml:pyproject.toml#project.dependencies[0]", contains=True),
                ],
            )
        ],
    )


def test_the_table_sets_every_setting() -> None:
    """Whoever adds a setting adds it to `everything.toml`."""
    text = (DATA / "accepted/everything.toml").read_text(encoding="utf-8")
    kinds = (
        Config,
        Links,
        GridConfig,
        Metrics,
        PrefixRule,
        Locks,
        VersionPins,
        VersionFact,
        Ignore,
        Override,
        FlavourRule,
    )
    for kind in kinds:
        for field in msgspec.structs.fields(kind):
            assert re.search(
                rf"^(?:{field.encode_name} = |\[+(?:(?:links|grid-config|metrics)\.)?{field.encode_name}[.\]])",
                text,
                re.MULTILINE,
            ), field.encode_name


def test_without_a_file_everything_is_the_default(tmp_path: Path) -> None:
    loaded = load(tmp_path)
    assert (loaded.config, loaded.path, loaded.line("links")) == (Config(), None, None)


def test_pyproject_without_our_table_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.other]\nname = "trueup"\n')
    assert load(tmp_path).path is None
    (tmp_path / "trueup.toml").write_text('fail-on = "never"\n')
    assert load(tmp_path).config.fail_on == "never"


def test_a_broken_pyproject_that_does_not_name_us_is_nobodys_business_here(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("= [[[\n")
    assert load(tmp_path).path is None


def test_settings_in_both_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.trueup]\n")
    (tmp_path / "trueup.toml").write_text("")
    assert refusal(tmp_path) == "trueup.toml and [tool.trueup] of pyproject.toml both hold settings"


def test_the_line_of_a_key(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[project]\n\n[[tool.trueup.ignore]]\nrule = 'links/*'\nreason = 'r'\n")
    loaded = load(tmp_path)
    assert [loaded.line("ignore", 0), loaded.line("ignore", 0, "reason"), loaded.line("ignore", 0, "paths")] == [
        3,
        5,
        3,
    ]


@pytest.mark.parametrize(
    ("text", "place"),
    [("a = = 1\n", "1:5"), ("a = 1\nb = [1,\n", "3"), ('\n\na = "\n', "3:6"), ("a = 1\na = 2\n", "2:6")],
)
def test_what_is_not_toml_is_refused_with_its_place(text: str, place: str, tmp_path: Path) -> None:
    (tmp_path / "trueup.toml").write_text(text)
    # The words are the standard library's, and differ from one version of Python to the next.
    assert re.fullmatch(rf"trueup\.toml:{place}: [a-z][^\n]+", refusal(tmp_path))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"a = 1\nb = '\xff'\n", "trueup.toml:2: it is not UTF-8 (byte 11)"),
        (b"a = " + b"[" * 100_000, "trueup.toml: it is nested too deeply"),
        (b"\n" + b"a." * 70_000 + b"a = 1\n", "trueup.toml:2:1: a key has more than 64 parts"),
        (b"\n" + b"'a' . \"b\"." * 70_000 + b"a = 1\n", "trueup.toml:2:1: a key has more than 64 parts"),
        (b"# " + b"a" * 900_000 + b"." * 70 + b"\na = = 1\n", "trueup.toml:2:5: invalid value"),
        (b"\na = " + b"1" * 6000, "trueup.toml:2:5: a number has more digits than can be read"),
        (b"#" * (MAX_BYTES + 1), f"trueup.toml: it is larger than {MAX_BYTES} bytes"),
        (b"\0", "trueup.toml:1:1: invalid statement"),
    ],
    ids=["not UTF-8", "deep", "dotted", "dotted and quoted", "a long word", "a long number", "large", "NUL"],
)
def test_hostile_files_are_refused_soon(data: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "trueup.toml").write_bytes(data)
    assert refusal(tmp_path) == message


def test_a_value_nested_as_deeply_as_toml_allows(tmp_path: Path) -> None:
    """Whatever depth the parser takes, what comes behind it does too, or says so."""
    for depth in (50, 200, 300, 400, 450, 480, 490):
        (tmp_path / "trueup.toml").write_text("links = " + "[" * depth + "]" * depth)
        assert refusal(tmp_path) in (
            "trueup.toml:1: links: expected a table, got a list",
            "trueup.toml: it is nested too deeply",
        )


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / "trueup.toml").write_bytes(b'\xef\xbb\xbffail-on = "never"\r\n')
    assert load(tmp_path).config.fail_on == "never"


def test_at_most_twenty_faults_are_told(tmp_path: Path) -> None:
    (tmp_path / "trueup.toml").write_text("".join(f"zzz{number} = 1\n" for number in range(50)))
    lines = refusal(tmp_path).split("\n")
    assert (len(lines), lines[-1]) == (21, "trueup.toml: and 30 more")


def test_a_key_cannot_forge_a_line(tmp_path: Path) -> None:
    (tmp_path / "trueup.toml").write_text('"x\\n::error::y\\u001b[31m" = 1\n')
    known = "checks, fail-on, baseline, repository, default-branch, rules, overrides, ignore, links, grid-config, "
    known += "locks, metrics, version-pins, versions"
    assert refusal(tmp_path) == rf"trueup.toml:1: 'x\n::error::y\x1b[31m': unknown key (known are: {known})"


def test_a_symlink_that_leaves_the_repository_is_refused(tmp_path: Path) -> None:
    (tmp_path / "outside.toml").write_text("secret = 1\n")
    root = tmp_path / "repository"
    root.mkdir()
    (root / "trueup.toml").symlink_to("../outside.toml")
    assert refusal(root) == "trueup.toml: it is a symlink that leaves the repository"


def test_a_symlink_inside_the_repository_is_followed(tmp_path: Path) -> None:
    (tmp_path / "ci").mkdir()
    (tmp_path / "ci/settings.toml").write_text('fail-on = "never"\n')
    (tmp_path / "trueup.toml").symlink_to("ci/settings.toml")
    assert load(tmp_path).config.fail_on == "never"


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("nothing.toml", "it is a symlink to nothing"),
        ("trueup.toml", "it cannot be read: Too many levels of symbolic links"),
    ],
)
def test_a_symlink_that_leads_nowhere_is_refused(target: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "trueup.toml").symlink_to(target)
    assert refusal(tmp_path) == f"trueup.toml: {message}"


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "trueup.toml")
    assert refusal(tmp_path) == "trueup.toml: it is not a regular file"


def test_a_file_named_on_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "trueup.toml").write_text('fail-on = "error"\n')
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "strict.toml").write_text('fail-on = "warning"\n')
    (elsewhere / "pyproject.toml").write_text('[tool.trueup]\nfail-on = "never"\n')
    assert load(tmp_path, elsewhere / "strict.toml").config.fail_on == "warning"
    assert load(tmp_path, elsewhere / "pyproject.toml").config.fail_on == "never"
    (elsewhere / "pyproject.toml").write_text("[project]\n")
    assert refusal(tmp_path, elsewhere / "pyproject.toml").endswith("pyproject.toml: it has no table [tool.trueup]")
    assert refusal(tmp_path, elsewhere / "absent.toml").endswith("absent.toml: there is no such file")
