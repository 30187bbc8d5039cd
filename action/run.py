"""The Action's step `Check`: turns the inputs into one call of `trueup check`, without a shell.

Every input arrives in an environment variable and ends as an argument, never as text that is
executed. Runs in the virtual environment that the step `Install trueup` made.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping

USAGE_ERROR = 2


def arguments(inputs: Mapping[str, str]) -> list[str]:
    """The arguments after `trueup`; a `ValueError` in words for the log where an input makes no sense."""
    found = ["check", *_checks(inputs.get("TRUEUP_CHECKS", "")), "--report", "github", "--report", "text"]
    sarif = inputs.get("TRUEUP_SARIF_FILE", "")
    if sarif:
        if not sarif.isprintable():
            raise ValueError("the input sarif-file holds a control character")
        found.append("--report=sarif=" + sarif)
    fail_on = inputs.get("TRUEUP_FAIL_ON", "").strip()
    if fail_on:
        found.append("--fail-on=" + fail_on)
    since = inputs.get("TRUEUP_SINCE", "").strip()
    if since:
        found.append("--since=" + since)
    try:
        return found + shlex.split(inputs.get("TRUEUP_ARGS", ""))
    except ValueError as error:
        raise ValueError(f"the input args cannot be split into words: {str(error).lower()}") from None


def _checks(text: str) -> list[str]:
    names = text.replace(",", " ").split()
    for name in names:
        if not re.fullmatch(r"[a-z][a-z0-9-]*", name):
            raise ValueError(f"the input checks holds {name!r}, which is not the name of a check")
    return names


def main() -> int:
    """Runs the check, writes the outputs, and answers with trueup's exit code."""
    try:
        words = arguments(os.environ)
    except ValueError as error:
        print(f"::error title=trueup::{escaped(str(error))}", flush=True)
        code = USAGE_ERROR
    else:
        code = subprocess.run([sys.executable, "-I", "-m", "trueup", *words], check=False).returncode
        if code not in {0, 1}:
            print(f"::error title=trueup::nothing was checked (exit code {code}); this step's log says why", flush=True)
    sarif = os.environ.get("TRUEUP_SARIF_FILE", "")
    with open(os.environ["GITHUB_OUTPUT"], "a", encoding="utf-8") as outputs:
        outputs.write(f"exit-code={code}\n")
        if code in {0, 1} and sarif and os.path.isfile(sarif):
            outputs.write(f"sarif-file={sarif}\n")
    return code


def escaped(message: str) -> str:
    """`message` so that the runner reads it as the one command's data."""
    return message.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


if __name__ == "__main__":
    raise SystemExit(main())
