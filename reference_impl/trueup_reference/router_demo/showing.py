"""The demo as a picture on a terminal, as lines, and as a summary."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from trueup_reference.router_demo.fleet import Fleet, Pool
from trueup_reference.router_demo.ledger import Ledger

SHOWN_HAPPENINGS = 6
BAR = 12
RECENT = 50  # requests that a median is of


@dataclass
class Show:
    """All there is to see."""

    fleet: Fleet
    ledger: Ledger
    seconds: float
    url: str = ""
    elapsed_s: float = 0.0
    under_way: int = 0
    readiness: Mapping[str, Mapping[str, object]] = field(default_factory=dict)  # by namespace, as /readyz tells it
    happenings: list[tuple[float, str]] = field(default_factory=list)


def live(show: Show) -> RenderableType:
    """For a terminal, several times a second."""
    table = Table(
        title=f"trueup-router at {show.url}   {show.elapsed_s:4.1f} of {show.seconds:g} s",
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    for name in ("pool", "workers", "ready"):
        table.add_column(name, no_wrap=True)
    table.add_column("in flight", no_wrap=True)
    for name in ("dispatched", "failed over", "time p50"):
        table.add_column(name, justify="right", no_wrap=True)
    for pool in show.fleet.pools:
        count = show.ledger.pool(pool.namespace)
        table.add_row(
            pool.namespace,
            _workers(show, pool),
            _ready(show, pool),
            _bar(count.in_flight),
            f"{count.dispatches:,}",
            Text(f"{count.failed:,}" if count.failed else "", "yellow"),
            _median(count.took_s),
        )
    return Group(table, _counts(show), Text(), *_happenings(show))


def line(show: Show) -> str:
    """For a pipe, every now and then."""
    counts = show.ledger.counts()
    return (
        f"{show.elapsed_s:5.1f} s  {counts['requests_completed']:,} of {counts['requests']:,} completed, "
        f"{show.under_way} under way, failovers {counts['failovers']}, lost {counts['lost']}"
    )


def summary(show: Show) -> RenderableType:
    """What has become of everything."""
    counts = show.ledger.counts()
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("pool")
    for name in ("dispatched", "failed over", "time p50"):
        table.add_column(name, justify="right")
    for pool in show.fleet.pools:
        count = show.ledger.pool(pool.namespace)
        table.add_row(pool.namespace, f"{count.dispatches:,}", f"{count.failed:,}", _median(count.took_s))
    ends = f"{counts['requests']:,} requests, {counts['requests_completed']:,} completed"
    cut = f"{counts['errored']} answers that had begun were cut off by a kill: their clients were told, and asked again"
    return Group(
        Text(),
        table,
        Text(f"{ends}, failovers {counts['failovers']}, refused {counts['refused']}"),
        *([Text(cut)] if counts["errored"] else []),
        Text(f"lost {counts['lost']}", "bold green" if not counts["lost"] else "bold red"),
        *(Text(text, "bold red") for text in show.ledger.broken_promises()),
    )


def _workers(show: Show, pool: Pool) -> Text:
    text = Text()
    for worker in show.fleet.workers:
        if worker.pool is pool:
            text.append("● " if worker.program.is_up else "✗ ", "green" if worker.program.is_up else "bold red")
    return text


def _ready(show: Show, pool: Pool) -> Text:
    told = show.readiness.get(pool.namespace)
    if told is None:
        return Text("?", "dim")
    return Text("yes", "green") if told.get("ready") else Text(_clean(str(told.get("reason"))), "red")


def _counts(show: Show) -> Text:
    counts = show.ledger.counts()
    text = Text(f"{counts['requests']:,} requests   {counts['requests_completed']:,} completed   ")
    text.append(f"{show.under_way} under way   {counts['failovers']} failovers   ")
    text.append(f"{counts['errored']} cut off and asked again   ", "yellow" if counts["errored"] else "")
    text.append(f"lost {counts['lost']}", "bold green" if not counts["lost"] else "bold red")
    return text


def _happenings(show: Show) -> list[Text]:
    return [Text(f"{at_s:5.1f} s  {text}", "cyan") for at_s, text in show.happenings[-SHOWN_HAPPENINGS:]]


def _bar(number: int) -> Text:
    return Text(f"{'█' * min(number, BAR)}{'·' * max(0, BAR - number)} {number}")


def _median(times_s: list[float]) -> str:
    return f"{statistics.median(times_s[-RECENT:]) * 1000:,.0f} ms" if times_s else ""


def _clean(text: str) -> str:
    """What a router has said, without what would steer a terminal."""
    return "".join(each if each.isprintable() else " " for each in text)
