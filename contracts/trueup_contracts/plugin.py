"""The pytest plugin. It is loaded in every pytest run of its environment, so it imports pytest and nothing else.

Everything happens in `session.py`, which is registered only where `--contracts` is given.
"""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declares the options and the settings."""
    group = parser.getgroup("contracts", "contract suites (trueup)")
    add = group.addoption
    add(
        "--contracts",
        action="store_true",
        help="run the contract suites of the implementations declared, and only them",
    )
    add(
        "--contracts-impl",
        action="append",
        default=[],
        metavar="SUITE[@LABEL]=TARGET",
        help="an implementation, in place of those of the setting `contracts`; may be given several times",
    )
    add("--contracts-level", choices=("must", "should"), default="must", help="what fails the run (default: must)")
    add("--contracts-profile", choices=("quick", "default", "thorough"), default="default", help="how thorough")
    add("--contracts-seed", type=int, metavar="N", help="repeat a run's random choices")
    add(
        "--contracts-report",
        action="append",
        default=[],
        metavar="FORMAT=FILE",
        help="json, markdown or badge (SVG); may be given several times",
    )
    add("--contracts-suite", action="append", default=[], metavar="SUITE", help="of those declared, these suites only")
    add("--contracts-edition", metavar="N.M", help="ask what this edition of the suites asked, and nothing newer")
    add(
        "--contracts-require",
        action="append",
        default=[],
        metavar="CAPABILITY",
        help="fail where a capability is not claimed, or cannot be shown on this machine",
    )
    add("--contracts-capabilities", metavar="FILE", help="what services claim that cannot say it, a TOML file")
    add("--contracts-timeout-scale", type=float, default=1.0, metavar="X", help="stretch every deadline (default: 1)")
    add("--contracts-transcript", metavar="FILE", help="write every message to and from adapters over the wire")
    add("--contracts-known", metavar="FILE", help="known failures, a TOML file")
    add("--contracts-strict-known", action="store_true", help="fail when a known failure passes")
    add(
        "--contracts-select", action="append", default=[], help="for xdist's workers: node ids taken from the arguments"
    )
    parser.addini("contracts", "implementations: a line `SUITE[@LABEL] = TARGET` each", type="linelist", default=[])
    parser.addini("contracts_known_failures", "known failures, a TOML file", default="")
    parser.addini("contracts_metrics_policy", "for the suite metrics: a policy, FILE or builtin:NAME", default="")
    parser.addini("contracts_capabilities", "what services claim that cannot say it, a TOML file", default="")


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Takes over where the contracts are asked for."""
    if config.getoption("contracts") and not config.getoption("help"):
        from trueup_contracts import fixtures, session

        config.pluginmanager.register(session.ContractsSession(config), "trueup-contracts-session")
        config.pluginmanager.register(fixtures, "trueup-contracts-fixtures")
