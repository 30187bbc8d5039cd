"""Which picker's grid is the other form of which router's: as the configuration says, else by equal names of pools."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from trueup.config.model import GridPair
from trueup.errors import ConfigError
from trueup.grid_config.file import File, Judged
from trueup.grid_config.model import Grid
from trueup.rules import nearest_hint


class Pair(NamedTuple):
    """Two forms of one grid. `namespaces`: the picker's pools, in its order, by the router's names."""

    picker_file: File
    picker: Judged
    router_file: File
    grid: Grid
    namespaces: tuple[str, ...]


def pairs(files: Sequence[File], declared: Sequence[GridPair]) -> Iterator[Pair]:
    """Every pair. `ConfigError` for a declared one that names what is not there."""
    by_path = {file.path: file for file in files}
    taken: set[str] = set()
    for number, one in enumerate(declared):
        taken.add(one.picker)
        yield from _declared(f"grid-config.pairs[{number}]", one, by_path)
    for file in files:
        if file.path not in taken:
            yield from _by_names(file, files)


def _declared(where: str, one: GridPair, files: Mapping[str, File]) -> Iterator[Pair]:
    for key, path in (("picker", one.picker), ("router", one.router)):
        if path not in files:
            raise ConfigError(f"{where}.{key}: no grid was found in {path!r}", hint=nearest_hint(path, list(files)))
    # A form that is wrong itself is reported as such, and not compared.
    routers = [judged.router for judged in files[one.router].grids if judged.router is not None]
    grids = [router.grids[one.phase] for router in routers if one.phase in router.grids]
    if routers and not grids:
        raise ConfigError(f"{where}.phase: {one.router} has no {one.phase} pools")
    for judged in files[one.picker].grids:
        if judged.picker is None:
            continue
        for grid in grids:
            if len(grid.axes) != len(judged.picker.axes):
                raise ConfigError(f"{where}.router: a grid of {len(grid.axes)} axes has no form of the picker's")
            yield Pair(files[one.picker], judged, files[one.router], grid, _names(where, one, judged.picker, grid))


def _names(where: str, one: GridPair, picker: Grid, grid: Grid) -> tuple[str, ...]:
    labels = picker.namespaces
    for label in one.pools:
        if label not in labels:
            raise ConfigError(f"{where}.pools: the picker has no pool {label!r}", hint=nearest_hint(label, [*labels]))
    names = tuple(one.pools.get(label, label) for label in labels)
    for label, name in zip(labels, names, strict=True):
        if name not in grid.namespaces:
            hint = nearest_hint(name, list(grid.namespaces))
            raise ConfigError(f"{where}.pools: {label!r} is {name!r}, and the router has no such pool", hint=hint)
    if len(set(names)) != len(grid.namespaces) or len(names) != len(grid.namespaces):
        raise ConfigError(f"{where}.pools: {len(set(names))} of the router's {len(grid.namespaces)} pools are named")
    return names


def _by_names(file: File, files: Sequence[File]) -> Iterator[Pair]:
    for judged in file.grids:
        if judged.picker is None:
            continue
        partners = list(_partners(files, set(judged.picker.namespaces)))
        folder = file.path.rpartition("/")[0]
        near = [one for one in partners if one[0].path.rpartition("/")[0] == folder]
        # Examples repeat names: among several grids, only the one that lies beside it is surely meant.
        chosen = partners if len(partners) == 1 else near
        if len(chosen) == 1:
            yield Pair(file, judged, *chosen[0], judged.picker.namespaces)
        elif partners:
            file.notes.append(f"not compared: {len(partners)} router grids have pools of the same names")


def _partners(files: Sequence[File], names: set[str]) -> Iterator[tuple[File, Grid]]:
    for file in files:
        for judged in file.grids:
            for grid in judged.router.grids.values() if judged.router is not None else ():
                if set(grid.namespaces) == names and len(grid.axes) == 2:
                    yield file, grid
