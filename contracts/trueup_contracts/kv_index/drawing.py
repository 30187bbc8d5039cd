"""What a failure shows: the steps, and the tree with what each worker holds beside what the index answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from trueup_contracts.kv_index.model import Model, Path, Worker
from trueup_contracts.kv_index.naming import letters_of
from trueup_contracts.kv_index.steps import Step, shown

_MOST_STEPS = 25
_MOST_ROWS = 40


def history(steps: Sequence[Step]) -> str:
    """The last steps, numbered."""
    first = max(0, len(steps) - _MOST_STEPS)
    lines = [f"after {len(steps)} steps:" if len(steps) != 1 else "after one step:"]
    lines += [f"     … {first} earlier ones"] if first else []
    for number, step in enumerate(steps[first:], first + 1):
        text = str(step)
        lines.append(f"  {number:>2}. {text if len(text) <= 200 else f'{text[:200]}…'}")
    return "\n".join(lines)


@dataclass
class _Node:
    children: dict[int, _Node] = field(default_factory=dict)


@dataclass(frozen=True)
class _Row:
    """A block, or several that differ in nothing: what is drawn, what is due, what was answered."""

    block: str
    due: str
    told: str
    wrong: str


class Drawing:
    """Made when something is wrong already; `ask` answers a request, or nothing where it fails."""

    def __init__(
        self,
        steps: Sequence[Step],
        model: Model,
        requests: Sequence[Path],
        ask: Callable[[Path], dict[Worker, int] | None],
    ) -> None:
        self._steps = steps
        self._model = model
        self._told = {request: ask(request) for request in dict.fromkeys(requests)}
        self._root = _Node()
        for request in self._told:
            node = self._root
            for one in request:
                node = node.children.setdefault(one, _Node())

    def __str__(self) -> str:
        """The steps, then the tree."""
        rows = list(self._rows(self._root, (), ""))
        left = rows[:_MOST_ROWS]
        widths = [max(len(cell) for cell in column) for column in zip(*self._columns(left), strict=True)]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
            for cells in self._columns(left)
        ]
        more = [f"… and {len(rows) - _MOST_ROWS} more"] if len(rows) > _MOST_ROWS else []
        legend = ["(in brackets: held, and not reachable)"] if any("(" in row.due for row in left) else []
        return "\n".join([history(self._steps), "", *lines, *more, *legend])

    @staticmethod
    def _columns(rows: Sequence[_Row]) -> list[tuple[str, str, str, str]]:
        head = ("the tree", "is due", "the index says", "")
        return [head, *((row.block, row.due, row.told, row.wrong) for row in rows)]

    def _rows(self, node: _Node, path: Path, indent: str) -> Iterator[_Row]:
        for number, (one, child) in enumerate(node.children.items()):
            is_last = number == len(node.children) - 1
            block, below = (*path, one), child
            while len(below.children) == 1:  # blocks in a row that differ in nothing are one line
                [(following, behind)] = below.children.items()
                if self._cells((*block, following)) != self._cells(block):
                    break
                block, below = (*block, following), behind
            run = block[len(path) :]
            due, told, wrong = self._cells(block)
            branch = ("└─ " if is_last else "├─ ") if path else ""
            yield _Row(f"{indent}{branch}{letters_of(run)}", due, told, wrong)
            yield from self._rows(below, block, f"{indent}{('   ' if is_last else '│  ') if path else ''}")

    def _cells(self, block: Path) -> tuple[str, str, str]:
        due = {worker for worker, depth in self._model.depths(block).items() if depth == len(block)}
        held = {worker for worker, path in self._model.blocks() if path == block}
        answers = [told for request, told in self._told.items() if request[: len(block)] == block]
        told: set[Worker] = set()
        for answer in answers:
            told |= {
                worker for worker, depth in (answer or {}).items() if isinstance(depth, int) and depth >= len(block)
            }
        unsure = {worker for worker in due if block in self._model.held(worker).unsure}
        lacking, invented = due - told - unsure, told - due
        wrong = [f"lacks {_listed(lacking)}"] if lacking else []
        wrong += [f"invents {_listed(invented)}"] if invented else []
        dues = [*map(shown, sorted(due)), *(f"({shown(worker)})" for worker in sorted(held - due))]
        says = "no answer" if None in answers else _listed(told) or "-"
        return " ".join(dues) or "-", says, f"<-- {', '.join(wrong)}" if wrong else ""


def _listed(workers: set[Worker]) -> str:
    return " ".join(shown(worker) for worker in sorted(workers))
