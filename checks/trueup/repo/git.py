"""The one place from which Git is run.

A repository under check is hostile: its own configuration could name programs for Git to run. Every
call therefore switches off what can run one (fsmonitor, hooks, pagers, external diffs, signatures'
programs, lazy fetches) and passes on only the `GIT_*` variables that say *which* repository and index
to read, as Git sets them for hooks (`git commit --only` gives its hooks an index of their own).
"""

from __future__ import annotations

import os
import subprocess
from typing import NamedTuple

from trueup.errors import RepositoryError

_SAFE = (
    "--no-pager",
    "-c", "core.fsmonitor=false",
    "-c", "core.hooksPath=/dev/null",
    "-c", "core.untrackedCache=false",
    "-c", "core.quotePath=false",
    "-c", "log.showSignature=false",
    "-c", "diff.external=",
    "-c", "protocol.allow=never",
)  # fmt: skip

# Which repository, work tree and index: what Git itself tells its hooks. Everything else that starts with
# GIT_ (GIT_CONFIG_*, GIT_EXTERNAL_DIFF, GIT_TRACE, GIT_SSH_COMMAND, …) is dropped.
_KEPT = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_CEILING_DIRECTORIES")


class Answer(NamedTuple):
    """What a finished call printed."""

    code: int
    out: bytes
    err: str


class Pending:
    """A call that is still running, so that two can run at once."""

    def __init__(self, process: subprocess.Popen[bytes], args: tuple[str, ...]) -> None:
        self._process = process
        self._args = args

    def answer(self) -> Answer:
        """Waits for the end."""
        out, err = self._process.communicate()
        return Answer(self._process.returncode, out, err.decode("utf-8", "backslashreplace"))

    def out(self) -> bytes:
        """Waits for the end; a `RepositoryError` in Git's own words if it failed."""
        answer = self.answer()
        if answer.code != 0:
            raise failure(answer, self._args)
        return answer.out


class Git:
    """Git, started in one folder."""

    def __init__(self, folder: str, *, inherit: bool = True) -> None:
        """`inherit=False` drops every `GIT_*` variable: for a folder named on the command line."""
        self.folder = folder
        self._env = _environment(inherit)

    def start(self, *args: str, feed: bool = False) -> Pending:
        """Starts `git ARGS` without waiting."""
        return Pending(self.open(*args, feed=feed), args)

    def open(self, *args: str, feed: bool) -> subprocess.Popen[bytes]:
        """Starts `git ARGS` for somebody who talks to it (`feed`) over its standard input."""
        try:
            return subprocess.Popen(
                ["git", *_SAFE, *args],
                cwd=self.folder,
                env=self._env,
                stdin=subprocess.PIPE if feed else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
        except FileNotFoundError:
            if not os.path.isdir(self.folder):
                raise RepositoryError(f"there is no folder {self.folder!r}") from None
            raise RepositoryError("the program 'git' is not installed") from None
        except NotADirectoryError:
            raise RepositoryError(f"{self.folder!r} is not a folder") from None

    def run(self, *args: str) -> Answer:
        """Runs to the end."""
        return self.start(*args).answer()

    def out(self, *args: str) -> bytes:
        """Runs to the end; a `RepositoryError` if it failed."""
        return self.start(*args).out()


def failure(answer: Answer, args: tuple[str, ...]) -> RepositoryError:
    """Git's refusal, with what to do about it where that is known."""
    if "dubious ownership" in answer.err:
        return RepositoryError(
            "Git refuses to read this repository: it belongs to another user (dubious ownership)",
            hint="if you trust it: git config --global --add safe.directory FOLDER",
        )
    text = answer.err.strip().removeprefix("fatal: ") or f"exit code {answer.code}"
    return RepositoryError(f"git {args[0]} failed: {text}")


def _environment(inherit: bool) -> dict[str, str]:
    env = {
        name: value for name, value in os.environ.items() if not name.startswith("GIT_") or (inherit and name in _KEPT)
    }
    env |= {
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_ALLOW_PROTOCOL": "none",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_LITERAL_PATHSPECS": "0",
        "LC_ALL": "C",
    }
    return env
