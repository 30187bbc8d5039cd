"""What is shown: a row for each worker, and the last requests with what each worker held of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from trueup_reference.kv_demo.routing import KvRouter, Routed, Row

BAR = 6
STYLES = {"exact": "green", "degraded": "red", "unknown": "dim"}
SHOWN_REQUESTS = 4
# What the indexer counts that somebody ought to look at.
WARNINGS = {
    "malformed_messages": "messages could not be decoded",
    "refused_events": "events could not be taken in",
    "other_block_size": "events have another block size: nothing of them ever matches",
    "gaps": "gaps were not mended by a replay",
    "restarts": "workers began anew",
}


def name_of(worker: tuple[int, int]) -> str:
    """A worker as text: the rank where it is not 0."""
    return str(worker[0]) if worker[1] == 0 else f"{worker[0]}/{worker[1]}"


def shown(router: KvRouter, seconds: float) -> RenderableType:
    """Everything, for a terminal or a file."""
    rows = router.rows()
    parts: list[RenderableType] = [_workers(rows, router.index.tracked_blocks(), seconds)]
    recent = list(router.recent)[-SHOWN_REQUESTS:]
    if recent:
        parts.append(_requests(recent, rows))
    failures = [row for row in rows if row.failure is not None]
    parts += [Text(f"worker {name_of(row.worker)}, last failure: {_clean(row.failure)}", "yellow") for row in failures]
    stats = router.indexer.stats()
    parts += [Text(f"{stats[name]:,} {text}", "yellow") for name, text in WARNINGS.items() if stats.get(name)]
    return Group(*parts)


def told(router: KvRouter) -> dict[str, Any]:
    """The same for a program."""
    return {
        "workers": [
            {
                "worker_id": str(row.worker[0]),
                "dp_rank": row.worker[1],
                "state": row.state,
                "blocks": row.blocks,
                "routed": row.routed,
                "failed": row.failed,
                "failure": row.failure,
                "hit_rate": row.hit_rate,
                "seen_hit_rate": row.seen_hit_rate,
                "prefill_tokens": row.prefill_tokens,
                "decode_blocks": row.decode_blocks,
            }
            for row in router.rows()
        ],
        "requests": [
            {
                "id": one.id,
                "prompt_blocks": one.prompt_blocks,
                "overlaps": {name_of(worker): depth for worker, depth in one.overlaps.items()},
                "costs": {name_of(worker): cost for worker, cost in one.costs.items()},
                "chosen": name_of(one.chosen),
            }
            for one in router.recent
        ],
        "indexer": router.indexer.stats(),
    }


def _workers(rows: Sequence[Row], blocks: int, seconds: float) -> Table:
    table = _table(f"{blocks:,} blocks after {seconds:.0f} s")
    table.add_column("worker", justify="right")
    table.add_column("events")
    table.add_column("blocks", justify="right")
    table.add_column("requests", justify="right")
    table.add_column("failed", justify="right")
    table.add_column("hit rate", justify="right")
    table.add_column("it says", justify="right")
    table.add_column("to prefill", justify="right")
    table.add_column("to decode", justify="right")
    for row in rows:
        table.add_row(
            name_of(row.worker),
            Text(row.state, STYLES.get(row.state, "")),
            f"{row.blocks:,}",
            f"{row.routed:,}",
            f"{row.failed:,}" if row.failed else "",
            _rate(row.hit_rate),
            _rate(row.seen_hit_rate),
            f"{row.prefill_tokens:,.0f} tok",
            f"{row.decode_blocks:,} blk",
        )
    return table


def _requests(recent: Sequence[Routed], rows: Sequence[Row]) -> Table:
    table = _table("the last requests: blocks that each worker held, and its cost")
    table.add_column("request")
    table.add_column("blocks", justify="right")
    for row in rows:
        table.add_column(f"worker {name_of(row.worker)}", no_wrap=True)
    for one in recent:
        table.add_row(one.id, str(one.prompt_blocks), *(_overlap(one, row.worker) for row in rows))
    return table


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))


def _overlap(one: Routed, worker: tuple[int, int]) -> Text:
    depth = one.overlaps.get(worker, 0)
    filled = round(BAR * depth / one.prompt_blocks) if one.prompt_blocks else 0
    text = Text(f"{'█' * filled}{'·' * (BAR - filled)} {depth:>3} {one.costs.get(worker, 0):>6.1f}")
    if worker == one.chosen:
        text.append(" ←")
        text.stylize("bold")
    return text


def _clean(text: str | None) -> str:
    """What a worker has said, without what would steer a terminal."""
    return "".join(each if each.isprintable() else " " for each in text or "")


def _rate(rate: float | None) -> str:
    return "" if rate is None else f"{rate:.0%}"
