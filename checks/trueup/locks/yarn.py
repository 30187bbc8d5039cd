"""yarn.lock, of Yarn 1 and of Yarn 2 and later (berry), which share a name and little else."""

from __future__ import annotations

from trueup.locks import package_json as manifests
from trueup.locks.files import Files, join_folder
from trueup.locks.package_json import Manifest
from trueup.locks.yaml_reading import text_of


def judge(lock: str, files: Files) -> None:
    """See `formats.Judge`."""
    text = text_of(lock, files)
    if text is None:
        return
    folder = lock.rpartition("/")[0]
    manifest = manifests.load(folder, files)
    if manifest is None:
        if not files.exists(join_folder(folder, "package.json")):
            files.report.undecided(lock, "there is no package.json beside it")
        return
    try:
        members = manifests.workspaces(folder, manifest, files)
    except manifests.BadGlob as error:
        files.report.undecided(join_folder(folder, "package.json"), f"which workspaces there are: {error}")
        members = {}
    everybody: dict[str, Manifest] = {folder: manifest, **members}
    if "\n__metadata:" in text or text.startswith("__metadata:"):
        from trueup.locks import yarn_berry

        yarn_berry.judge(lock, text, everybody, files)
    else:
        from trueup.locks import yarn_classic

        yarn_classic.judge(lock, text, everybody, files)


def resolutions(manifest: Manifest) -> frozenset[str]:
    """The packages whose versions `resolutions` of the root sets, whatever anybody asks for."""
    value = manifest.resolutions
    names = set()
    for pattern in value if isinstance(value, dict) else ():
        last = str(pattern).rpartition("/")
        scoped = last[0].rpartition("/")[2]
        name = f"{scoped}/{last[2]}" if scoped.startswith("@") else last[2]
        names.add(name[:1] + name[1:].partition("@")[0])
    return frozenset(names)
