"""What docs/configuration.md and docs/suppression.md say about settings is what the model says."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from fix_repository import PROJECT
from trueup.config import load
from trueup.config.model import (
    DEFAULT_EXCLUDE,
    DEFAULT_SOURCES,
    DEFAULT_VENDORED,
    Config,
    GridConfig,
    Links,
    Locks,
    Metrics,
    VersionPins,
)
from trueup.errors import ConfigError

CONFIGURATION = (PROJECT / "docs/configuration.md").read_text(encoding="utf-8")
SUPPRESSION = (PROJECT / "docs/suppression.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```toml\n(.*?)^```", CONFIGURATION + SUPPRESSION, re.MULTILINE | re.DOTALL)


def test_there_are_examples() -> None:
    assert len(EXAMPLES) == 3


@pytest.mark.parametrize("text", EXAMPLES)
def test_examples_are_accepted(text: str, tmp_path: Path) -> None:
    (tmp_path / "trueup.toml").write_text(text, encoding="utf-8")
    assert load(tmp_path).config != Config()


def test_every_setting_is_in_the_tables() -> None:
    listed = re.findall(r"^\| `([a-z-]+)` \|", CONFIGURATION, re.MULTILINE)
    kinds = (Config, Links, GridConfig, Metrics, Locks, VersionPins)
    keys = [field.encode_name for kind in kinds for field in msgspec.structs.fields(kind)]
    tables = ("links", "grid-config", "metrics", "locks", "version-pins")
    assert sorted(listed) == sorted(key for key in keys if key not in tables)


def test_the_default_lists_are_spelt_out() -> None:
    assert "| `sources` | " + ", ".join(f"`{glob}`" for glob in DEFAULT_SOURCES) + " |" in CONFIGURATION
    sentence = re.search(r"The default of `exclude` is ([^:]*):", CONFIGURATION)
    assert sentence is not None
    assert re.findall(r"`([^`]+)`", sentence[1]) == list(DEFAULT_EXCLUDE)
    assert "replaces the default, " + ", ".join(f"`{glob}`" for glob in DEFAULT_VENDORED) in CONFIGURATION


def test_the_example_of_errors_is_what_is_printed(tmp_path: Path) -> None:
    (tmp_path / "trueup.toml").write_text('\n\nfail-onn = "error"\n\n[links]\nexlude = []\n', encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load(tmp_path)
    assert caught.value.message.split("\n") == re.findall(r"^trueup: error: (.*)", CONFIGURATION, re.MULTILINE)
