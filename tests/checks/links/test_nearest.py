"""The nearest name, and the bound on what is spent on it."""

from __future__ import annotations

from trueup.links.nearest import Nearest


def test_the_nearest_name_that_is_near_enough() -> None:
    names = ["setup", "set-up", "teardown"]
    assert Nearest().of("setip", names, 75) == "setup"
    assert Nearest().of("zzz", names, 75) is None
    assert Nearest().of("setup", [], 75) is None


def test_the_first_of_equals() -> None:
    assert Nearest().of("ac", ["ab", "ad"], 50) == "ab"


def test_nothing_is_near_once_the_comparisons_are_spent() -> None:
    nearest = Nearest(comparisons=5)
    names = ["setup", "x"]
    assert nearest.of("setup", names, 75) == "setup"
    assert nearest.of("setup", names, 75) == "setup"
    assert nearest.of("setup", names, 75) is None
    assert nearest.of("setup", names[:1], 75) == "setup"  # one was left
    assert not nearest.spend(1)
