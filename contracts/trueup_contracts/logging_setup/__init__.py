"""The contract of what a library, and whoever sets up logging, may do to the logging of a process."""

from __future__ import annotations

from pathlib import Path

from trueup_contracts.registry import SuiteInfo

SUITE = SuiteInfo(
    name="logging-setup",
    module="trueup_contracts.logging_setup.suite",
    capabilities={
        "root": "setup: it sets up the root logger, as an application's main does",
        "level": "setup: it takes level, a name or a number",
        "environment": "setup: its attribute level_variable names the environment variable of the level",
        "json": "setup: it writes a JSON object a line; called with json=True where it has that parameter",
        "redaction": "setup: secrets in what is logged are masked",
    },
    spec=Path(__file__).with_name("SPEC.md"),
    ways=frozenset({"import", "setup"}),
    subject="trueup_contracts.logging_setup.subject:LoggingSubject",
)
