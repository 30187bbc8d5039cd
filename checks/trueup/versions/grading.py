"""How sure it is that a place was left behind: an error where it was forgotten, a warning where it may be meant."""

from __future__ import annotations

import re

from trueup.versions import names, numbers
from trueup.versions.bumps import Behind
from trueup.versions.model import Strength
from trueup.versions.readers import kind_of

MOST_WEAK = 10  # places of one bump that are told one by one where the old version may be meant
SAMPLES = re.compile(r"(?:\A|/)(?:docs?/)?(?:samples?|examples?|demos?|tutorials?|notebooks?)/", re.IGNORECASE)
MANIFESTS = frozenset(("pyproject", "setup-cfg", "requirements", "package-json", "cargo", "go-mod"))


def graded(found: list[Behind]) -> list[Behind]:
    """The same places, with the reason why one may be meant."""
    left: dict[int, int] = {}
    for one in found:
        left[id(one.bump)] = left.get(id(one.bump), 0) + 1
    return [one._replace(weak=_weakness(one, left[id(one.bump)])) for one in found]


def summed_up(found: list[Behind]) -> tuple[list[Behind], list[str]]:
    """The places to tell, and in a line each the bumps that keep so far from most places that they mean to."""
    weak: dict[int, list[Behind]] = {}
    for one in found:
        if one.weak:
            weak.setdefault(id(one.bump), []).append(one)
    many = {key: ones for key, ones in weak.items() if len(ones) > MOST_WEAK}
    told = [one for one in found if not one.weak or id(one.bump) not in many]
    lines = [
        f"{ones[0].bump.name} {ones[0].bump.old} -> {ones[0].bump.new}: the old version stays in {len(ones)} places, "
        f"as if on purpose ({ones[0].source.path}:{ones[0].source.line(ones[0].pin)}, …)"
        for ones in many.values()
    ]
    return told, lines


def _weakness(one: Behind, left: int) -> str:
    pin, bump = one.pin, one.bump
    moved = len(bump.places)
    is_own = "own" in bump.kinds
    if pin.kind == "own" and not is_own:
        return "the package's own version"
    # Cargo's and npm's bounds name the version that a release was made with; `>=1.2` in Python is a choice.
    if pin.strength is Strength.FLOOR and not (is_own and pin.kind in ("cargo", "npm")):
        return "a lower bound of its own"
    if numbers.goes_back(bump.old, bump.new):
        return "the change goes back to an older version"
    in_samples = sum(1 for place in bump.places.values() if SAMPLES.search(place.path))
    if bool(SAMPLES.search(one.source.path)) != (2 * in_samples > moved):
        return "an example" if 2 * in_samples <= moved else "the change is about an example"
    if not is_own and _is_elsewhere(one) and not (moved > 1 and moved > left):
        return "another package's own dependency"
    if moved <= left:
        if names.varies(pin.kind, pin.name):
            return "a language's or a system's version, which may differ from job to job"
        folder = common_folder([place.path for place in bump.places.values()])
        if moved > 1 and folder and not one.source.path.startswith(folder + "/"):
            return f"the change keeps to {folder}/"
    if moved * 2 < left:
        return f"the change moves {moved} and leaves {left}"
    return ""


def common_folder(paths: list[str]) -> str:
    """The deepest folder that holds all of these files."""
    parts = [path.split("/")[:-1] for path in paths]
    shared: list[str] = []
    for steps in zip(*parts, strict=False):
        if len(set(steps)) > 1:
            break
        shared.append(steps[0])
    return "/".join(shared)


def _is_elsewhere(one: Behind) -> bool:
    """Whether a manifest's dependency was left behind by manifests of other folders only."""
    paths = [place.path for place in one.bump.places.values()]
    folders = {path.rpartition("/")[0] for path in paths}
    manifests = [kind_of(path) in MANIFESTS for path in (one.source.path, *paths)]
    return all(manifests) and one.source.path.rpartition("/")[0] not in folders
