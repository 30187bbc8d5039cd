"""From which commit a change is reckoned: as said, or found from who runs trueup (a hook, a job of GitHub's)."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping

from trueup.errors import RepositoryError
from trueup.repo import Git

AUTO = "auto"
_NO_COMMIT = "0" * 40
_LARGEST_EVENT_BYTES = 16 << 20


def base_of(git: Git, since: str, commit: str | None, env: Mapping[str, str] = os.environ) -> str | None:
    """The commit's id: where `since` left the line of history that leads to what is checked.

    `commit` is what is checked where that is a commit. `auto` is, in this order: what a push hook of pre-commit
    names, the base of a pull request, what a push replaces, and `HEAD`; `None` before the first commit.
    """
    ref = _found(env) if since == AUTO else since
    start = _commit(git, ref)
    if start is None and since == AUTO and ref == _before(_event(env)):
        start = _commit(git, f"{commit or 'HEAD'}^")  # a forced push: what it replaced is nowhere any more
    if start is None and since == AUTO and ref == "HEAD":
        return None
    if start is None:
        raise RepositoryError(
            f"there is no commit {ref!r} in this clone",
            hint="a shallow clone lacks it: set fetch-depth: 0, or fetch it",
        )
    merge_base = git.run("merge-base", start, commit or "HEAD")
    # Unrelated, or too shallow a clone to know: then the difference to the commit itself is judged.
    return merge_base.out.decode().strip() if merge_base.code == 0 else start


def _commit(git: Git, ref: str) -> str | None:
    answer = git.run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
    return answer.out.decode().strip() if answer.code == 0 else None


def _found(env: Mapping[str, str]) -> str:
    pushed = env.get("PRE_COMMIT_FROM_REF", "")
    if pushed and pushed != _NO_COMMIT:
        return pushed
    event = _event(env)
    request = event.get("pull_request")
    if isinstance(request, dict):
        base = request.get("base")
        if isinstance(base, dict) and isinstance(base.get("sha"), str):
            return str(base["sha"])
    return _before(event) or "HEAD"


def _before(event: Mapping[str, object]) -> str | None:
    """What a push to a branch replaces."""
    before = event.get("before")
    return before if isinstance(before, str) and before != _NO_COMMIT else None


def _event(env: Mapping[str, str]) -> dict[str, object]:
    path = env.get("GITHUB_EVENT_PATH", "")
    if env.get("GITHUB_ACTIONS") != "true" or not path:
        return {}
    try:
        with open(path, "rb") as file:
            event = json.loads(file.read(_LARGEST_EVENT_BYTES))
    except (OSError, ValueError):
        return {}
    return event if isinstance(event, dict) else {}
