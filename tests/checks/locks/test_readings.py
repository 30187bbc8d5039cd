"""Markers, constraints and versions by what they mean: tables, and properties that hold for all of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet

from trueup.locks import pep508, semver
from trueup.locks.package_json import read_spec
from trueup.locks.poetry_toml import constraint

ANY = SpecifierSet()
FROM_311 = SpecifierSet(">=3.11")


@pytest.mark.parametrize(
    ("one", "other", "pythons", "same"),
    [
        ("os_name == 'nt'", "'nt' == os_name", ANY, True),
        ("sys_platform == 'win32'", "platform_system == 'Windows'", ANY, True),
        ("sys_platform == 'win32'", "sys_platform == 'linux'", ANY, False),
        ("sys_platform != 'win32'", "sys_platform == 'linux'", ANY, False),
        ("python_version >= '3.11'", "python_full_version >= '3.11'", ANY, True),
        ("python_version > '3.11'", "python_full_version >= '3.12'", ANY, True),
        ("python_version >= '3.10'", "python_version >= '3.9'", FROM_311, True),
        ("python_version >= '3.10'", "python_version >= '3.9'", ANY, False),
        ("python_version < '3.11'", "python_version < '3.10'", FROM_311, True),
        ("python_full_version >= '3.12.1'", "python_full_version >= '3.12.2'", ANY, False),
        ("extra == 'a'", "extra == 'b'", ANY, False),
        ("extra == 'a' and os_name == 'nt'", "os_name == 'nt' and extra == 'A'", ANY, True),
        ("platform_machine == 'arm64'", "platform_machine == 'aarch64'", ANY, False),
        ("os_name in 'nt posix'", "os_name == 'nt' or os_name == 'posix'", ANY, True),
        ("implementation_name == 'cpython'", "platform_python_implementation == 'CPython'", ANY, True),
    ],
)  # fmt: skip
def test_markers_are_compared_by_what_they_mean(one: str, other: str, pythons: SpecifierSet, same: bool) -> None:
    assert pep508.same_marker(pep508.marker(one), pep508.marker(other), pythons) is same
    assert pep508.same_marker(pep508.marker(other), pep508.marker(one), pythons) is same


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (">=3.11", ">= 3.11.0", True),
        ("~=3.11", ">=3.11,<4", True),
        (">=3.11,!=3.11.3", ">=3.11", False),
        ("==3.12.*", ">=3.12,<3.13", True),
        (">=3.11,<4", ">=3.11", False),
        (">3.10", ">=3.11", False),
    ],
)
def test_pythons_are_compared_by_what_they_allow(one: str, other: str, same: bool) -> None:
    assert pep508.same_pythons(SpecifierSet(one), SpecifierSet(other)) is same


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("^1.2.3", ["1.2.3", "1.9"], ["1.2.2", "2.0"]),
        ("^0.2.3", ["0.2.3", "0.2.9"], ["0.3.0"]),
        ("^0.0.3", ["0.0.3"], ["0.0.4"]),
        ("^0", ["0.9"], ["1.0"]),
        ("^0.0", ["0.0.9"], ["0.1"]),
        ("~1.2.3", ["1.2.9"], ["1.3"]),
        ("~1.2", ["1.2.9"], ["1.3"]),
        ("~1", ["1.9"], ["2.0"]),
        ("~=1.2", ["1.9"], ["2.0", "1.1"]),
        ("1.2.*", ["1.2.9"], ["1.3"]),
        (">=1.2, <2 !=1.5", ["1.2"], ["1.5", "2.0"]),
        ("1.2.3", ["1.2.3"], ["1.2.4"]),
        ("*", ["0", "99"], []),
        ("", ["0"], []),
    ],
)
def test_constraints_of_poetry(text: str, inside: list[str], outside: list[str]) -> None:
    read = constraint(text)
    assert read is not None
    assert [one for one in inside if not pep508.is_inside(one, read)] == []
    assert [one for one in outside if pep508.is_inside(one, read)] == []


@pytest.mark.parametrize("text", ["^1 || ^2", "latest", "^", "1.2 - 1.3", "${VERSION}", "^" + "1" * 30])
def test_what_is_no_constraint_of_poetry(text: str) -> None:
    assert constraint(text) is None


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("1", ["1.0.0", "1.9.9"], ["2.0.0", "0.9.0"]),
        ("0.2.3", ["0.2.9"], ["0.3.0"]),
        ("=1.2", ["1.2.9"], ["1.3.0"]),
        ("1.*", ["1.9.0"], ["2.0.0"]),
        ("*", ["9.9.9"], ["1.0.0-alpha"]),
        (">=1, <2", ["1.5.0"], ["2.0.0", "1.0.0-alpha"]),
        ("~1.2.3", ["1.2.9"], ["1.3.0"]),
        ("1.0.0-alpha", ["1.0.0-alpha", "1.0.0-beta", "1.5.0"], ["1.1.0-beta", "2.0.0"]),
        (">1.2", ["1.3.0"], ["1.2.9"]),
    ],
)
def test_requirements_of_cargo(text: str, inside: list[str], outside: list[str]) -> None:
    read = semver.cargo_range(text)
    assert read is not None
    for versions, expected in ((inside, True), (outside, False)):
        for one in versions:
            version = semver.version(one)
            assert version is not None
            assert semver.holds(read, version) is expected, one


@pytest.mark.parametrize(
    ("spec", "package", "has_range"),
    [
        ("^1.0.0", "a", True),
        ("npm:@acme/b@^1", "@acme/b", True),
        ("npm:b", "b", False),
        ("latest", "a", False),
        ("github:acme/a", "a", False),
        ("acme/a", "a", False),
        ("https://example.org/a.tgz", "a", False),
        ("file:../a", "a", False),
        ("workspace:^", "a", False),
        ("catalog:", "a", False),
    ],
)
def test_specs_of_npm(spec: str, package: str, has_range: bool) -> None:
    wanted = read_spec("a", spec)
    assert (wanted.package, wanted.range is not None) == (package, has_range)


NUMBERS = st.integers(0, 30)
VERSIONS = st.builds("{}.{}.{}".format, NUMBERS, NUMBERS, NUMBERS)


@given(VERSIONS, VERSIONS)
def test_bounds_hold_as_versions_are_ordered(one: str, other: str) -> None:
    first, second = semver.version(one), semver.version(other)
    assert first is not None
    assert second is not None
    for operator, expected in (
        ("<", second < first),
        ("<=", second <= first),
        (">", second > first),
        ("=", second == first),
    ):
        read = semver.npm_range(operator + one)
        assert read is not None
        assert semver.holds(read, second) is expected


@given(VERSIONS)
def test_every_range_holds_what_it_names(text: str) -> None:
    version = semver.version(text)
    assert version is not None
    for operator in ("", "^", "~", "=", ">=", "<="):
        for read in (semver.npm_range(operator + text), semver.cargo_range(operator + text)):
            assert read is not None
            assert semver.holds(read, version)


@given(
    st.text(max_size=60),
    st.sampled_from([semver.npm_range, semver.cargo_range, semver.version, constraint, pep508.read]),
)
def test_no_text_is_too_odd(text: str, read: object) -> None:
    assert callable(read)
    read(text)
