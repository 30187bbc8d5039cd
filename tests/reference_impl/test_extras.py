"""What a command says where the libraries of its extra are not installed: one line, with what to install."""

from __future__ import annotations

import subprocess
import sys

import pytest

from trueup_reference.extras import require

# The module that is missing stays missing, whatever the environment of the tests has.
WITHOUT = """
import importlib.abc, importlib.util, runpy, sys

class Hidden(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] == hidden:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

hidden, module, *sys.argv[1:] = sys.argv[1:]
real = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name == hidden else real(name, package)
sys.meta_path.insert(0, Hidden())
runpy.run_module(module, run_name="__main__", alter_sys=True)
"""


ROUTER = ["--config", "grid.json", "--model-name", "mock", "--discovery", "workers.json"]


@pytest.mark.parametrize(
    ("hidden", "module", "words", "program"),
    [
        ("aiohttp", "trueup_reference.mock_worker", [], "mock_worker"),
        ("zmq", "trueup_reference.mock_worker", [], "mock_worker"),
        ("xxhash", "trueup_reference.mock_worker", [], "mock_worker"),
        ("starlette", "trueup_reference.router", ROUTER, "trueup-router"),
        ("uvicorn", "trueup_reference.router", ROUTER, "trueup-router"),
        ("aiohttp", "trueup_reference.kv_demo", ["--mock-workers", "1", "--once"], "trueup-kv-index"),
        ("rich", "trueup_reference.kv_demo", ["--mock-workers", "1", "--once"], "trueup-kv-index"),
        ("zmq", "trueup_reference.kv_demo", ["tcp://127.0.0.1:1", "--once"], "trueup-kv-index"),
    ],
)
def test_a_missing_library_is_one_line(hidden: str, module: str, words: list[str], program: str) -> None:
    command = [sys.executable, "-c", WITHOUT, hidden, module, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    told = f"{program}: {hidden} is not installed: pip install 'trueup[reference]'\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", told)


def test_what_is_installed_is_no_error() -> None:
    require("reference", "json", "pytest")
    with pytest.raises(ModuleNotFoundError, match=r"^no_such_module is not installed: pip install 'trueup\[kv\]'$"):
        require("kv", "json", "no_such_module", "nor_this")
