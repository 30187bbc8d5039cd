"""Tiny wheels, so that resolvers have something to choose from without a network."""

from __future__ import annotations

import zipfile
from pathlib import Path


def write(folder: Path, name: str, version: str, requires: tuple[str, ...] = ()) -> None:
    """A pure wheel that holds one empty module."""
    folder.mkdir(parents=True, exist_ok=True)
    info = f"{name}-{version}.dist-info"
    lines = [
        "Metadata-Version: 2.1",
        f"Name: {name}",
        f"Version: {version}",
        *(f"Requires-Dist: {one}" for one in requires),
    ]
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{name}.py", "")
        wheel.writestr(f"{info}/METADATA", "\n".join(lines) + "\n")
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")


def index(folder: Path) -> None:
    """Four packages with three versions each; one needs another."""
    for version in ("1.0", "1.5", "2.0"):
        for name in ("alpha", "beta", "gamma"):
            write(folder, name, version)
        write(folder, "delta", version, ("alpha",))
