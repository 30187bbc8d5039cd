"""The environment of every test: no trace of the developer's Git settings, of a running hook, or of a CI job."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

GITCONFIG = """\
[user]
name = A Tester
email = tester@example.org
[init]
defaultBranch = main
[core]
autocrlf = false
fsmonitor = false
[commit]
gpgSign = false
[advice]
detachedHead = false
"""

# Commits get the same id in every run.
WHEN = "2026-01-02T03:04:05+00:00"


@pytest.fixture(scope="session", autouse=True)
def isolated_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A home folder of its own; no variables of Git, GitHub, make, Python or colour; Git's identity and time fixed.

    SIGINT does what it does: a job in the background is started with it ignored, and so would be what the tests start.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    home = tmp_path_factory.mktemp("home")
    (home / ".gitconfig").write_text(GITCONFIG)
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(("GIT_", "GITHUB_", "RUNNER_", "PRE_COMMIT", "TRUEUP_", "MAKE", "MFLAGS")):
                patch.delenv(name)
        for name in ("PYTHONPATH", "PYTHONHOME", "NO_COLOR", "FORCE_COLOR", "CLICOLOR", "XDG_CONFIG_HOME", "PAGER"):
            patch.delenv(name, raising=False)
        _keep_pip_settings(patch)
        patch.setenv("HOME", str(home))
        patch.setenv("XDG_CACHE_HOME", str(home / ".cache"))
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        patch.setenv("GIT_AUTHOR_DATE", WHEN)
        patch.setenv("GIT_COMMITTER_DATE", WHEN)
        patch.setenv("GIT_TERMINAL_PROMPT", "0")
        yield


def _keep_pip_settings(patch: pytest.MonkeyPatch) -> None:
    """Tests that install something use the user's index and cache, which pip looks for under the home folder."""
    home = Path.home()
    cache = os.environ.get("XDG_CACHE_HOME") or home / ".cache"
    settings = next((path for path in (home / ".config/pip/pip.conf", home / ".pip/pip.conf") if path.is_file()), None)
    if "PIP_CACHE_DIR" not in os.environ:
        patch.setenv("PIP_CACHE_DIR", str(Path(cache) / "pip"))
    if settings is not None and "PIP_CONFIG_FILE" not in os.environ:
        patch.setenv("PIP_CONFIG_FILE", str(settings))
