"""`trueup init`: writes a commented starter configuration and the pre-commit stanza."""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import get_args

import msgspec

from trueup import __version__
from trueup.config import Config, load
from trueup.config.model import GridConfig, Links, Locks, Metrics, VersionPins
from trueup.errors import UsageError

CONFIG, HOOKS = "trueup.toml", ".pre-commit-config.yaml"

STANZA = f"""\
  - repo: https://github.com/OWNER/trueup
    rev: v{__version__}
    hooks:
      - id: trueup # or trueup-links: the link check alone
"""

# What lists of tables look like; the rest of the file is made from the model.
EXAMPLES = {
    "rules": '[rules]\n"links/fragment-case" = "error"',
    "overrides": '[[overrides]]\npaths = ["archive/"]\nrules = { "links/missing-fragment" = "off" }',
    "ignore": '[[ignore]]\nrule = "links/missing-file"\nreason = "written by the release job"\n'
    'paths = ["docs/**/*.md"]\ntargets = ["coverage/*"]',
    "prefixes": '[[metrics.prefixes]]\nprefix = "engine:"\ninstead-of = ["engine_"]\nclosed = true',
    "families": '[metrics.families."engine:requests_total"]\ntype = "counter"\nlabels = ["model_name"]',
    "flavours": '[[links.flavours]]\npaths = ["site/"]\nflavour = "hugo"\nroot = "site/content"',
}

EXAMPLES["versions"] = (
    '[[versions]]\nname = "vllm"\nsource = "dockerfile:docker/Dockerfile#ARG VLLM_REF"\n'
    'appears = ["yaml:deploy/values.yaml#image.tag", "regex:docs/*.md#vllm==([0-9.]+)"]'
)


# What a setting without a default could be.
UNSET = {
    "baseline": "trueup-baseline.json",
    "repository": "OWNER/NAME",
    "default_branch": "main",
    "scraper": "prometheus-2",
}

TITLES = {
    "rules": "Severities of rules: error, warning or off. `trueup rules` lists them.",
    "overrides": "Other severities for some paths; the last entry that fits decides.",
    "ignore": "Findings to live with; every entry needs its reason.",
    "prefixes": "Prefixes of metric names, and how they must not be written.",
    "families": "Metric families: what each must look like.",
    "versions": "Versions that must agree: where each is stated, and where it appears.",
    "flavours": "Which generator publishes which files; GitHub itself where nothing is said or detected.",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("--force", action="store_true", help=f"overwrite {CONFIG} where it exists")


def run(args: argparse.Namespace) -> int:
    """Writes the files at the repository's root (outside Git: in the current folder) and says what it did."""
    root = _root()
    place = os.path.join(root, CONFIG)
    if os.path.lexists(place) and not args.force:
        raise UsageError(f"{CONFIG} exists already", hint="to overwrite it: trueup init --force")
    if not os.path.lexists(place) and load(root).path is not None:
        raise UsageError("pyproject.toml has a table [tool.trueup] already", hint="keep the settings there")
    _write(place, CONFIG, starter(), replace=args.force)
    print(f"wrote {CONFIG}: every setting with its default, commented out")
    hooks = os.path.join(root, HOOKS)
    if os.path.lexists(hooks):
        print(f"\nadd this to `repos:` in {HOOKS}:\n\n{STANZA}")
    else:
        _write(hooks, HOOKS, f"repos:\n{STANZA}", replace=False)
        print(f"wrote {HOOKS}; to switch it on: pre-commit install")
    print("next: trueup check")
    return 0


def starter() -> str:
    """A configuration that says nothing yet and shows everything."""
    parts = [
        "# Settings of trueup. What is commented out is the default, or an example.\n"
        "# Everything about them: docs/configuration.md of trueup, or `trueup schema config`.\n",
        *_fields(Config, skip=("links", "grid_config", "metrics", "locks", "version_pins")),
        "\n[links]\n",
        *_fields(Links),
        "\n[grid-config]\n",
        *_fields(GridConfig),
        "\n[metrics]\n",
        *_fields(Metrics),
        "\n[version-pins]\n",
        *_fields(VersionPins),
        "\n[locks]\n",
        *_fields(Locks),
    ]
    return "".join(parts) + "".join(f"\n# {TITLES[name]}\n{_commented(example)}" for name, example in EXAMPLES.items())


def _fields(kind: type[msgspec.Struct], skip: tuple[str, ...] = ()) -> list[str]:
    default = kind()
    texts = []
    for field in msgspec.structs.fields(kind):
        if field.name in skip or field.name in EXAMPLES:
            continue
        value = getattr(default, field.name)
        shown = _toml(value) if value is not None else f"{_toml(UNSET[field.name])}  # not set"
        texts.append(f"\n# {_description(field.type)}\n# {field.encode_name} = {shown}\n")
    return texts


def _toml(value: object) -> str:
    if isinstance(value, list) and len(value) > 4:
        return "[\n" + "".join(f"#   {_toml(one)},\n" for one in value) + "# ]"
    # JSON's strings, numbers and short lists are TOML's.
    return json.dumps(value)


def _description(kind: object) -> str:
    """The description in the annotation of a field's type, of `X | None` as well."""
    for part in (kind, *get_args(kind)):
        for mark in getattr(part, "__metadata__", ()):
            if isinstance(mark, msgspec.Meta) and mark.description is not None:
                return mark.description
    raise AssertionError(f"a setting without a description: {kind}")


def _commented(text: str) -> str:
    return "".join(f"# {line}\n" for line in text.splitlines())


def _root() -> str:
    from trueup.repo import Git

    answer = Git(".").run("rev-parse", "--show-toplevel")
    return os.fsdecode(answer.out.removesuffix(b"\n")) if answer.code == 0 else os.getcwd()


def _write(place: str, name: str, content: str, *, replace: bool) -> None:
    try:
        if replace and os.path.islink(place):
            os.unlink(place)  # a symlink of the repository's must not lead the writing elsewhere
        with open(place, "w" if replace else "x", encoding="utf-8", newline="\n") as file:
            file.write(content)
    except OSError as error:
        raise UsageError(f"{name} cannot be written: {error.strerror}") from error
    sys.stdout.flush()
