"""YAML: images, Helm charts and values, compose files, workflows, pre-commit, and variables, wherever they stand."""

from __future__ import annotations

import re

from trueup.reading.yaml_tree import Mapping, NotYaml, Scalar, Sequence, Tree, read
from trueup.versions import names, numbers
from trueup.versions.model import Strength, Unreadable
from trueup.versions.readers import commands
from trueup.versions.readers.requirement import read_requirement
from trueup.versions.readers.sink import IMAGE, Sink, may_hold_pins

_USES = re.compile(r"(?:docker://)?(?P<name>[\w.-]+/[\w.-]+)(?:/[\w./-]+)?@(?P<ref>[\w./-]+)")
_COMMENT = re.compile(r"""["']?[ \t]+#[ \t]*(?:tag[=:][ \t]*|ratchet:\S+@|pin@)?(v?\d[\w.+-]*)""")
_ENV = re.compile(r"[A-Z][A-Z0-9_]*")
# A tool's version as an input or a setting: `python-version`, `goVersion`, `node_version`.
_SETTING = re.compile(r"([a-z][a-z0-9-]*?)(?:[-_]version|Version)")
_SCRIPTS = frozenset(
    ("run", "script", "before_script", "after_script", "command", "args", "entry", "sh", "cmd", "cmds")
)
_NO_SETTINGS = frozenset("api schema spec chart kube app min max crd config image k8s target file format".split())
# Lines of what is not YAML before it is filled in.
_TEMPLATE_IMAGE = re.compile(r"""^[ \t-]*image:[ \t]*["']?([^\s"'{}]+:[\w][\w.-]*)["']?[ \t]*(?:#.*)?$""", re.MULTILINE)
_TEMPLATE_USES = re.compile(r"""^[ \t-]*uses:[ \t]*["']?([\w./-]+@[\w./-]+)""", re.MULTILINE)


def read_yaml(sink: Sink, path: str, start: int = 0, end: int | None = None) -> None:
    """Adds the pins of a YAML file, or of the part of a file at `[start, end)`. Raises `Unreadable`."""
    part = sink.text[start : len(sink.text) if end is None else end]
    if not may_hold_pins(part, 0, len(part)):
        return
    try:
        documents = read(part)
    except NotYaml as error:
        _read_template(sink, start, start + len(part))
        line_start = part.rfind("\n", 0, max(0, part.rfind("\n", 0, error.offset))) + 1
        if end is not None or _PLACEHOLDER.search(part, line_start, error.offset + 200) or "{{" in part:
            return  # a template is filled in before it is read
        raise Unreadable(f"no YAML: {error.message}", start + error.offset) from None
    _Walk(sink, path, start).walk(documents)


def _read_template(sink: Sink, start: int, end: int) -> None:
    for found in _TEMPLATE_IMAGE.finditer(sink.text, start, end):
        sink.image(found[1], found.start(1), "image")
    for found in _TEMPLATE_USES.finditer(sink.text, start, end):
        _uses(sink, found[1], found.start(1), "uses")


def _uses(sink: Sink, text: str, start: int, where: str) -> None:
    if text.startswith("docker://"):
        sink.image(text.removeprefix("docker://"), start + len("docker://"), where)
        return
    found = _USES.fullmatch(text)
    if found is None or text.startswith("./"):
        return
    begin, end = start + found.start("ref"), start + found.end("ref")
    # `@<commit> # v4.2.0`: the comment states the version on purpose; the two belong together.
    sink.add("action", found["name"].lower(), begin, end, where, stated=stated_behind(sink.text, end))


def stated_behind(text: str, end: int) -> tuple[int, int] | None:
    """Where a comment behind a commit's id states its version."""
    found = _COMMENT.match(text, end)
    return None if found is None else found.span(1)


_PLACEHOLDER = re.compile(r"\{\{|\{%|\$\{|<%|<[A-Z_-]+>|\{[a-zA-Z_]+\}|\[\[")


class _Walk:
    def __init__(self, sink: Sink, path: str, offset: int) -> None:
        self.sink = sink
        self.offset = offset
        name = path.rpartition("/")[2].lower()
        self.is_chart = name in ("chart.yaml", "chart.yml", "requirements.yaml")
        self.is_workflow = "/.github/" in f"/{path}" or name in ("action.yml", "action.yaml")
        self.is_pre_commit = name.startswith(".pre-commit-config.y")
        self.is_environment = name.startswith(("environment", "conda")) and name.endswith((".yml", ".yaml"))

    def walk(self, documents: Sequence) -> None:
        stack: list[tuple[Tree, str, bool]] = [(one, "", False) for one in reversed(documents.items)]
        while stack:
            node, where, choice = stack.pop()
            if isinstance(node, Mapping):
                self._mapping(node, where, choice)
                stack += [
                    (value, f"{where}.{key.value}" if where else key.value, choice or key.value == "matrix")
                    for key, value in reversed(node.members)
                ]
            elif isinstance(node, Sequence):
                several = choice or (len(node.items) > 1 and _is_versions(node))
                stack += [(item, f"{where}[]", several) for item in reversed(node.items)]
            else:
                self._item(node, where, choice)

    def _at(self, scalar: Scalar) -> int:
        return self.offset + scalar.start

    def _add(self, kind: str, name: str, value: Scalar, where: str, *, choice: bool, bound: bool = False) -> None:
        if not value.verbatim:
            return
        strength, start = Strength.EXACT, value.start
        if bound and (found := re.fullmatch(r"[\^~>=<][^0-9]*", value.value[: _first_digit(value.value)])):
            strength = Strength.FLOOR if value.value[0] in "^~" else Strength.RANGE
            start += found.end()
        self.sink.add(kind, name, self.offset + start, self.offset + value.end, where, strength, choice=choice)

    def _mapping(self, node: Mapping, where: str, choice: bool) -> None:
        values = node.scalars()
        self._image_parts(values, where, choice)
        if self.is_chart:
            self._chart(values, where)
        if self.is_pre_commit and "repo" in values and "rev" in values:
            rev = values["rev"]
            if rev.verbatim:
                place = (self._at(rev), self.offset + rev.end)
                stated = stated_behind(self.sink.text, place[1]) if numbers.is_commit(rev.value) else None
                self.sink.add("hook", names.repository(values["repo"].value), *place, "rev", stated=stated)
        if values.keys() >= {"name", "value"} and _ENV.fullmatch(values["name"].value) and values["value"].verbatim:
            value = values["value"]
            name = values["name"].value
            if not choice:
                self.sink.variable(name, self._at(value), self.offset + value.end, f"env {name}")
        uses = values.get("uses")
        if uses is not None and uses.verbatim:
            _uses(self.sink, uses.value, self._at(uses), "uses")
            self._inputs(node, uses.value, choice)
        for key, value in values.items():
            self._member(key, value, f"{where}.{key}", choice)

    def _member(self, key: str, value: Scalar, where: str, choice: bool) -> None:
        if key in ("image", "container") and value.verbatim:
            self.sink.image(value.value, self._at(value), where, choice=choice)
        elif key in _SCRIPTS:
            if value.verbatim or value.block:
                commands.scan(self.sink, self._at(value), self.offset + value.end, key)
        elif _ENV.fullmatch(key) and value.verbatim:
            if not choice:
                self.sink.variable(key, self._at(value), self.offset + value.end, where)
        elif (found := _SETTING.fullmatch(key)) and found[1] not in _NO_SETTINGS:
            tool = sorted(names.families("tool", found[1]))
            if tool and numbers.parse(value.value) and _is_tool_version(value.value):
                self._add("tool", tool[0], value, where, choice=choice)

    def _inputs(self, step: Mapping, uses: str, choice: bool) -> None:
        """`version:` of `actions/setup-x`, `azure/setup-helm`, …"""
        tool = re.search(r"/(?:setup-|install-)([\w-]+?)(?:-action)?(?:/[\w./-]+)?@", uses)
        given = next((one for key, one in step.members if key.value == "with" and isinstance(one, Mapping)), None)
        if tool is None or given is None:
            return
        value = given.scalars().get("version")
        if value is not None and _is_tool_version(value.value):
            for family in sorted(names.families("tool", tool[1])):
                self._add("tool", family, value, "with.version", choice=choice)

    def _image_parts(self, values: dict[str, Scalar], where: str, choice: bool) -> None:
        """`repository` and `tag` side by side, as charts have them; `name` and `newTag`, as kustomize has them."""
        tag = values.get("newTag") or values.get("tag")
        name = values.get("newName") or values.get("repository") or values.get("image") or values.get("name")
        if tag is None or name is None or not name.value or ":" in name.value.rpartition("/")[2] or "{" in name.value:
            return
        registry = values.get("registry")
        prefix = f"{registry.value}/" if registry is not None and registry.value else ""
        if numbers.parse(tag.value) and re.fullmatch(r"[\w./:-]+", name.value):
            self._add("image", names.image(prefix + name.value), tag, f"{where}.tag", choice=choice)

    def _chart(self, values: dict[str, Scalar], where: str) -> None:
        name, version, app = (values.get(key) for key in ("name", "version", "appVersion"))
        if name is None:
            return
        if version is not None:
            # A dependency's version is a bound where it has an operator.
            kind = "own" if not where else "chart"
            self._add(kind, name.value.lower(), version, f"{where}.version", choice=False, bound=True)
        if app is not None:
            self._add("app", name.value.lower(), app, f"{where}.appVersion", choice=False)

    def _item(self, value: Scalar, where: str, choice: bool) -> None:
        """A scalar in a list: a requirement, a command's argument."""
        if not where.endswith("[]") or not value.value:
            return
        if value.block or any(f".{key}[]" in f".{where}" for key in _SCRIPTS):
            if value.verbatim and IMAGE.fullmatch(value.value.partition("=")[2]) and "/" in value.value:
                start = self._at(value) + value.value.index("=") + 1
                self.sink.image(value.value.partition("=")[2], start, where)
            elif value.verbatim or value.block:
                commands.scan(self.sink, self._at(value), self.offset + value.end, where)
        elif value.verbatim and "==" in value.value:
            read_requirement(self.sink, value.value, self._at(value), where)
        elif value.verbatim and self.is_environment and (found := re.fullmatch(r"([\w-]+)=(\d[\w.]*)", value.value)):
            start = self._at(value) + found.start(2)
            self.sink.add("conda", found[1], start, start + len(found[2]), where)
        elif value.verbatim and self.is_pre_commit and (found := re.fullmatch(r"(@?[\w./-]+)@(\d\S*)", value.value)):
            start = self._at(value) + found.start(2)
            self.sink.add("npm", found[1], start, start + len(found[2]), where)
        elif (found := _SETTING.fullmatch(where.removesuffix("[]").rpartition(".")[2])) and numbers.parse(value.value):
            for tool in sorted(names.families("tool", found[1])):
                self._add("tool", tool, value, where, choice=choice)


def _first_digit(text: str) -> int:
    found = re.search(r"\d", text)
    return found.start() if found else 0


def _is_versions(node: Sequence) -> bool:
    return all(isinstance(item, Scalar) and numbers.parse(item.value) is not None for item in node.items)


def _is_tool_version(text: str) -> bool:
    return numbers.is_specific(text) or (text.isdigit() and len(text) <= 3)
