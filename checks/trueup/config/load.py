"""Finds, reads and refuses configuration files: `trueup.toml`, or `[tool.trueup]` of `pyproject.toml`.

The files belong to the checked repository, so nothing outside it is read, and size and time are bounded.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from trueup.config.model import Config
from trueup.errors import ConfigError

MAX_BYTES = 1 << 20
_MAX_PROBLEMS = 20


class Loaded(msgspec.Struct, frozen=True):
    """A configuration, and where it stands.

    `path` is how messages and findings name the file: relative to the repository's root, or as it was
    given on the command line; `None` where there is no file and every value is the default. `table`
    is the path of trueup's table in it.
    """

    config: Config
    path: str | None = None
    text: str = ""
    table: tuple[str, ...] = ()

    def line(self, *key: str | int) -> int | None:
        """The line of a key, or of the nearest thing around it: `line("ignore", 0)`."""
        from trueup.config.locate import lines_of, nearest_line

        return nearest_line(lines_of(self.text), (*self.table, *key))


class _File(NamedTuple):
    name: str
    text: str
    table: tuple[str, ...]


def load(root: str | os.PathLike[str], explicit: str | os.PathLike[str] | None = None) -> Loaded:
    """The configuration of the repository at `root`, or the file named on the command line.

    Raises `ConfigError` for a file that cannot be read, is not TOML, or says something that makes no
    sense; where both files of a repository hold settings of trueup; and for a symlink that leaves it.
    """
    if explicit is not None:
        name = os.fspath(explicit)
        data = read_file(name, name)
        if data is None:
            raise ConfigError(f"{name}: there is no such file")
        file = _pyproject(name, data) if os.path.basename(name) == "pyproject.toml" else _own(name, data)
        if file is None:
            raise ConfigError(f"{name}: it has no table [tool.trueup]")
        return _parsed(file)
    top = os.fspath(root)
    files = [
        file
        for name, reader in (("trueup.toml", _own), ("pyproject.toml", _pyproject))
        if (data := read_file(os.path.join(top, name), name, inside=top)) is not None and (file := reader(name, data))
    ]
    if len(files) > 1:
        raise ConfigError(
            "trueup.toml and [tool.trueup] of pyproject.toml both hold settings",
            hint="keep one of them",
        )
    return _parsed(files[0]) if files else Loaded(Config())


def read_file(path: str, name: str, *, inside: str | None = None, limit_bytes: int = MAX_BYTES) -> bytes | None:
    """The bytes of a file, `None` where there is none; `ConfigError`, which calls it `name`, for a larger one.

    `inside`: the folder that no symlink of the path may leave.
    """
    try:
        if inside is not None and os.path.lexists(path):  # a folder on the way may be a symlink, too
            real, top = os.path.realpath(path), os.path.realpath(inside)
            if not real.startswith(top.rstrip(os.sep) + os.sep):
                raise ConfigError(f"{name}: it is a symlink that leaves the repository")
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise ConfigError(f"{name}: it is not a regular file")
        with open(path, "rb") as file:
            data = file.read(limit_bytes + 1)
    except FileNotFoundError:
        if os.path.islink(path):
            raise ConfigError(f"{name}: it is a symlink to nothing") from None
        return None
    except (OSError, ValueError) as error:
        cause = error.strerror if isinstance(error, OSError) else None
        raise ConfigError(f"{name}: it cannot be read: {cause or error}") from error
    if len(data) > limit_bytes:
        raise ConfigError(f"{name}: it is larger than {limit_bytes} bytes")
    return data


def _own(name: str, data: bytes) -> _File:
    return _File(name, _text(name, data), ())


def _pyproject(name: str, data: bytes) -> _File | None:
    """`None` where it holds no settings of trueup: then nothing else in it matters here."""
    if b"trueup" not in data:
        return None
    file = _File(name, _text(name, data), ("tool", "trueup"))
    tool = _toml(file).get("tool")
    return file if isinstance(tool, dict) and "trueup" in tool else None


def _text(name: str, data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{name}:{line}: it is not UTF-8 (byte {error.start})") from None


def _toml(file: _File) -> dict[str, Any]:
    from trueup.reading.toml_text import NotToml, line_and_column, parse

    try:
        return parse(file.text)
    except NotToml as error:
        place = file.name
        if error.offset is not None:
            line, column = line_and_column(file.text, error.offset)
            place += f":{line}" if error.offset == len(file.text) else f":{line}:{column}"
        raise ConfigError(f"{place}: {error.message}") from None


def _parsed(file: _File) -> Loaded:
    value: Any = _toml(file)
    for key in file.table:
        value = value[key]
    try:
        try:
            config = msgspec.convert(value, Config)
        except msgspec.ValidationError:
            from trueup.config.validate import shape_problems

            raise _refusal(file, list(shape_problems(value))) from None
        from trueup.config.validate import meaning_problems

        problems = list(meaning_problems(config))
    except RecursionError:
        raise ConfigError(f"{file.name}: it is nested too deeply") from None
    if problems:
        raise _refusal(file, problems)
    return Loaded(config, file.name, file.text, file.table)


def _refusal(file: _File, problems: Sequence[tuple[tuple[str | int, ...], str]]) -> ConfigError:
    from trueup.config.locate import lines_of, nearest_line
    from trueup.config.validate import shown

    lines = lines_of(file.text)
    located = [(nearest_line(lines, (*file.table, *path)), shown(path), message) for path, message in problems]
    located.sort(key=lambda one: one[0] or 0)
    texts = [
        f"{file.name}:{line}: {key}: {message}" if key else f"{file.name}:{line or 1}: {message}"
        for line, key, message in located[:_MAX_PROBLEMS]
    ]
    if len(located) > _MAX_PROBLEMS:
        texts.append(f"{file.name}: and {len(located) - _MAX_PROBLEMS} more")
    return ConfigError("\n".join(texts))
