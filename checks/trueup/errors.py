"""Errors that end a run, each with the exit code that `trueup` documents for it.

A fault *in a checked file* is never one of these: it is a finding.
"""

from __future__ import annotations


class TrueupError(Exception):
    """Ends the run with one clear message and no traceback.

    `hint` says what would be right, where there is one thing to say.
    """

    exit_code = 2

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(TrueupError):
    """The command line asks for something that does not exist or does not fit together."""


class ConfigError(TrueupError):
    """The configuration file cannot be used.

    The message starts with `FILE:LINE:` where the line is known and names the key.
    """


class RepositoryError(TrueupError):
    """Git, or the folder asked for, cannot be read: not a repository, bare, dubious ownership, no such ref."""
