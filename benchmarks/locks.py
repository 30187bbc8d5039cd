"""Times `trueup locks` beside a process that only parses the same lock, whole processes both.

The locks are generated: a package-lock.json of 2.6 MB and a uv.lock of 2.6 MB, each with a manifest of 60 requirements.
`--json` and `--toml` name locks of yours, whose manifests lie beside them; they are copied into a repository.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measure import Tool, environment, fail, nothing, rounds, spread, table

ASKED = 60
JSON_PACKAGES, UV_PACKAGES = 7_200, 950
PARSE = {
    "package-lock.json": "import json; json.load(open('package-lock.json', encoding='utf-8'))",
    "uv.lock": "import tomllib; tomllib.load(open('uv.lock', 'rb'))",
}


def npm_project(folder: Path) -> None:
    """A package-lock.json with a flat tree, as npm writes it."""
    asked = {f"package-{at}": f"^1.{at}.0" for at in range(ASKED)}
    packages: dict[str, object] = {"": {"name": "bench", "version": "1.0.0", "dependencies": asked}}
    for at in range(JSON_PACKAGES):
        packages[f"node_modules/package-{at}"] = {
            "version": f"1.{at}.3",
            "resolved": f"https://registry.example.org/package-{at}/-/package-{at}-1.{at}.3.tgz",
            "integrity": f"sha512-{at:086d}==",
            "license": "MIT",
            "dependencies": {f"package-{at + 1}": "^1.0.0"} if at + 1 < JSON_PACKAGES else {},
        }
    lock = {"name": "bench", "version": "1.0.0", "lockfileVersion": 3, "requires": True, "packages": packages}
    (folder / "package-lock.json").write_text(json.dumps(lock, indent=2), encoding="utf-8")
    (folder / "package.json").write_text(json.dumps({"name": "bench", "dependencies": asked}), encoding="utf-8")


def uv_project(folder: Path) -> None:
    """A uv.lock with a dozen wheels a package, as uv writes it."""
    asked = [f"package-{at}>=1.{at}" for at in range(ASKED)]
    needs = "".join(f'    {{ name = "package-{at}" }},\n' for at in range(ASKED))
    recorded = "".join(f'    {{ name = "package-{at}", specifier = ">=1.{at}" }},\n' for at in range(ASKED))
    parts = [
        'version = 1\nrevision = 3\nrequires-python = ">=3.11"\n\n[[package]]\nname = "bench"\nversion = "1.0.0"\n'
        f'source = {{ virtual = "." }}\ndependencies = [\n{needs}]\n\n[package.metadata]\n'
        f"requires-dist = [\n{recorded}]\n"
    ]
    for at in range(UV_PACKAGES):
        stem = f"https://files.example.org/packages/{at:04x}/package_{at}-1.{at}.3"
        wheels = "".join(
            f'    {{ url = "{stem}-cp3{minor}-manylinux_2_17_x86_64.whl", hash = "sha256:{minor:064d}", size = 99 }},\n'
            for minor in range(12)
        )
        parts.append(
            f'\n[[package]]\nname = "package-{at}"\nversion = "1.{at}.3"\n'
            'source = { registry = "https://index.example.org/simple" }\n'
            f'sdist = {{ url = "{stem}.tar.gz", hash = "sha256:{at:064d}", size = 9999 }}\nwheels = [\n{wheels}]\n'
        )
    (folder / "uv.lock").write_text("".join(parts), encoding="utf-8")
    text = f'[project]\nname = "bench"\nversion = "1.0.0"\nrequires-python = ">=3.11"\ndependencies = {asked!r}\n'
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")


def copied(source: Path, folder: Path, name: str, manifest: str) -> None:
    """A lock of the caller's with its manifest."""
    if not source.is_file() or not (source.parent / manifest).is_file():
        fail(f"{source}: it is no file, or no {manifest} lies beside it")
    shutil.copy(source, folder / name)
    shutil.copy(source.parent / manifest, folder / manifest)


def repository(folder: Path) -> None:
    """All of the folder, staged."""
    for command in (["init", "--quiet"], ["add", "."]):
        subprocess.run(["git", *command], cwd=folder, env=environment(), check=True)


def measure(name: str, folder: Path, runs: int) -> list[str]:
    """One row of the table."""
    repository(folder)
    parse = Tool("parse", [sys.executable, "-c", PARSE[name]], nothing)
    trueup = Tool("trueup", [str(Path(sys.executable).parent / "trueup"), "locks", "--warn-only"], nothing)
    samples = rounds([parse, trueup], folder, runs)
    pairs = zip(samples["trueup"], samples["parse"], strict=True)
    both = list(pairs)
    ratios, cpu = [one.wall_s / other.wall_s for one, other in both], [one.cpu_s / other.cpu_s for one, other in both]
    size = (folder / name).stat().st_size / 1e6
    peak = max(sample.peak_bytes for sample in samples["trueup"]) / 1e6
    row = [name, f"{size:.1f}"]
    row += [part for tool in ("parse", "trueup") for part in spread([sample.wall_s for sample in samples[tool]])]
    return [*row, *spread(ratios, digits=2), *spread(cpu, digits=2), f"{peak:.0f}"]


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0], allow_abbrev=False)
    parser.add_argument("--json", type=Path, metavar="FILE", help="a package-lock.json in place of the generated one")
    parser.add_argument("--toml", type=Path, metavar="FILE", help="a uv.lock in place of the generated one")
    parser.add_argument("--runs", type=int, default=11, metavar="N", help="of each (default 11)")
    args = parser.parse_args(argv)
    if args.runs < 1:
        fail(f"--runs {args.runs}: at least 1")
    rows = []
    for name, manifest, given, generate in (
        ("package-lock.json", "package.json", args.json, npm_project),
        ("uv.lock", "pyproject.toml", args.toml, uv_project),
    ):
        with tempfile.TemporaryDirectory(prefix="trueup-bench-") as scratch:
            folder = Path(scratch)
            if given is not None:
                copied(given, folder, name, manifest)
            else:
                generate(folder)
            rows.append(measure(name, folder, args.runs))
    print(
        f"{time.strftime('%Y-%m-%d')}: Python {platform.python_version()}, {platform.system()}, {os.cpu_count()} cores"
    )
    print(f"medians of {args.runs} runs, the two in turn\n")
    header = [
        "",
        "MB",
        "parse alone s",
        "range",
        "trueup locks s",
        "range",
        "ratio",
        "range",
        "of CPU",
        "range",
        "peak MB",
    ]
    table(header, rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
