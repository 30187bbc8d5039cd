"""Probes of a set-up function."""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from trueup_contracts.logging_setup.child.common import Probe, Users, forked, json_keywords

MEETING_S = 0.25  # for the other thread to come to the same place: it does not where a lock keeps it out
RECORDS, LAST, LONG = 40, 400, "x" * 1500


def again(probe: Probe) -> None:
    """Once, twice, after a reload, in forked processes; and a last burst before the end."""
    scale: float = probe.request["scale"]
    probe.import_it()
    handlers: dict[str, list[str]] = {}

    def step(name: str) -> None:
        probe.set_up()
        handlers[name] = probe.told_handlers()
        probe.logger.error("token %s.", name)

    step("once")
    step("twice")
    forks = {"fork": forked(lambda: probe.logger.error("token forked."), scale)}

    def in_child() -> None:
        probe.set_up()
        count = len(probe.handlers())
        probe.logger.error("token refork. handlers=%d.", count)

    forks["set up again in a fork"] = forked(in_child, scale)
    module = sys.modules[probe.module_name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        importlib.reload(module)
    step("reloaded")
    probe.report |= {"handlers": handlers, "forks": forks, "events": list(probe.trace.events)}
    probe.last = lambda: _last(probe)


def _last(probe: Probe) -> None:
    """So many that no other thread comes to write them before the process ends, which begins right after."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(60)
    for number in range(LAST):
        probe.logger.error("token last-%d.", number)
    sys.setswitchinterval(before)


def threads(probe: Probe) -> None:
    """Two threads set up at once, and meet where a handler is made or added: what they looked at before is old."""
    probe.import_it()
    ready = threading.Barrier(2)
    function = probe.function

    def work() -> None:
        ready.wait()
        function()

    with probe.trace.on(), _meetings(MEETING_S * probe.request["scale"]):
        started = [threading.Thread(target=work, daemon=True) for _ in range(2)]
        for one in started:
            one.start()
        for one in started:
            one.join()
    probe.report |= {"handlers": probe.told_handlers(), "events": list(probe.trace.events)}
    probe.logger.error("token threads.")


@contextlib.contextmanager
def _meetings(limit_s: float) -> Iterator[None]:
    """Within the block a thread that makes or adds a handler waits a moment for the other to do so too."""
    places: dict[str, threading.Barrier] = {}

    def meeting(name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        places[name] = threading.Barrier(2)

        def met(*args: Any, **keywords: Any) -> Any:
            with contextlib.suppress(threading.BrokenBarrierError):
                places[name].wait(limit_s)
            return method(*args, **keywords)

        return met

    made, added = logging.Handler.__init__, logging.Logger.addHandler
    logging.Handler.__init__ = meeting("made", made)  # type: ignore[method-assign]
    logging.Logger.addHandler = meeting("added", added)  # type: ignore[method-assign]
    try:
        yield
    finally:
        logging.Handler.__init__, logging.Logger.addHandler = made, added  # type: ignore[method-assign]


def configured(probe: Probe) -> None:
    """Where a user has set up logging, with secrets in the environment."""
    users = Users(logging.DEBUG)
    probe.import_it()
    probe.set_up()
    probe.set_up()
    report = probe.report
    report |= {"before": users.before, "now": users.now(), "events": list(probe.trace.events)}
    report["app"] = users.works()
    report["records"] = [
        (one.name, one.getMessage()[:300], f"{one.filename}:{one.lineno}") for one in users.root.records
    ]
    probe.logger.error("own token")
    report["own"] = users.root.count("own token")
    report["propagate"] = bool(probe.logger.propagate)


def levels(probe: Probe) -> None:
    """Set up with the level that the request or the environment names; a record of every level."""
    probe.import_it()
    report = probe.report
    try:
        probe.set_up(**probe.request["keywords"])
    except Exception as error:  # noqa: BLE001 - which one it is, is what is asked
        report["raised"] = [type(error).__name__, str(error), isinstance(error, ValueError | TypeError)]
    report["handlers"] = probe.told_handlers()
    for level in (10, 20, 30, 40, 50):
        probe.logger.log(level, "token %s.", logging.getLevelName(level))


class _Odd:
    """What no encoder of JSON knows."""

    def __repr__(self) -> str:
        return "<Odd>"


def structured(probe: Probe) -> None:
    """Records that are hard to write as one JSON object on one line."""
    probe.import_it()
    probe.set_up(**json_keywords(probe.function))
    logger = probe.logger
    logger.error("token plain.")
    logger.error("token args. %s of %d", "one", 2)
    logger.error("token newline.\nsecond token newline.\r\nthird token newline.\u2028fourth\x85fifth\x0bsixth")
    try:
        raise ValueError("token exception.\nwith a second line, token exception.")
    except ValueError:
        logger.exception("token exception.")
    logger.error("token stack.", stack_info=True)
    logger.error('token quotes. " \\ \t {} %s')
    logger.error("token text. größer 中文 \N{GRINNING FACE}")
    logger.error("token surrogate. file \udcff.txt")
    for name, value in (("nan", float("nan")), ("inf", float("inf")), ("minus", float("-inf"))):
        logger.error(f"token {name}.", extra={"loss": value, "nested": {"values": [value]}})
    kept = {"found": {"tokens": 7, "seconds": 0.25, "model": "m-1", "ids": [11, [12]], "streamed": True}}
    logger.error("token extra.", extra=kept)
    try:
        raise ValueError("token beside.")
    except ValueError:
        logger.exception("token beside.", extra=kept)
    cycle: list[Any] = []
    cycle.append(cycle)
    for name, extra in (
        ("object", _Odd()),
        ("bytes", b"\xff"),
        ("set", {1, 2}),
        ("cycle", cycle),
        ("keys", {(1, 2): 3}),
    ):
        logger.error(f"token {name}.", extra={"found": extra})


def secrets(probe: Probe) -> None:
    """Records that hold secrets, in the text, in its arguments and in an exception."""
    probe.import_it()
    probe.set_up()
    for number, secret in enumerate(probe.request["secrets"]):
        probe.logger.error("token text-%d. key %s sent", number, secret)
        probe.logger.error(f"token inline-{number}. Authorization: Bearer {secret}")
        try:
            raise RuntimeError(f"401 for {secret}")
        except RuntimeError:
            probe.logger.exception("token raised-%d.", number)


def burst(probe: Probe, who: str = "") -> None:
    """Sets up, and writes long records."""
    probe.import_it()
    probe.set_up()
    _burst(probe, who or probe.request["who"])


def _burst(probe: Probe, who: str) -> None:
    for number in range(RECORDS):
        probe.logger.error("token %s-%d. %s", who, number, LONG)


def processes(probe: Probe) -> None:
    """Several processes that write to the same place: this one, forks of it, and spawned ones."""
    probe.import_it()
    probe.set_up()
    spawned = [
        subprocess.Popen([*probe.request["spawn"], f"spawned{number}"], stdin=subprocess.DEVNULL) for number in range(2)
    ]
    children = []
    for number in range(2):
        Probe.flush()
        child = os.fork()
        if child == 0:
            probe.set_up()
            _burst(probe, f"forked{number}")
            sys.exit(0)
        children.append(child)
    _burst(probe, "parent")
    statuses = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    statuses += [one.wait() for one in spawned]
    probe.report["statuses"] = statuses
