"""Mutants of a reference: one operator, constant, condition or statement changed at a time, judged by the suite alone.

Own code, since what is changed here is loaded in place of a module that is imported already.
"""

from __future__ import annotations

import ast
import copy
import functools
import re
import signal
import sys
import types
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

# A mutant that never ends is found by that: one that computes by its CPU time, which a busy machine does not stretch,
# one that waits by the clock.
CPU_LIMIT_S, WALL_LIMIT_S = 10, 120

_COMPARISONS: dict[type[ast.cmpop], list[type[ast.cmpop]]] = {
    ast.Lt: [ast.LtE, ast.GtE],
    ast.LtE: [ast.Lt, ast.Gt],
    ast.Gt: [ast.GtE, ast.LtE],
    ast.GtE: [ast.Gt, ast.Lt],
    ast.Eq: [ast.NotEq],
    ast.NotEq: [ast.Eq],
    ast.Is: [ast.IsNot],
    ast.IsNot: [ast.Is],
    ast.In: [ast.NotIn],
    ast.NotIn: [ast.In],
}
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
}


class _Endless(BaseException):
    """No `Exception`: hypothesis would look for a smaller example of it."""


class Mutant(NamedTuple):
    """A changed module: where, the line as it was, what stood there, what stands there now."""

    place: str
    line: str
    before: str
    after: str
    tree: ast.Module


def of(path: Path) -> Iterator[Mutant]:
    """Every mutant of a module's source."""
    source = path.read_text(encoding="utf-8")
    lines, tree = source.splitlines(), ast.parse(source)
    for index, node in enumerate(ast.walk(tree)):
        for change in _changes(node):
            changed = copy.deepcopy(tree)
            found = list(ast.walk(changed))[index]
            before = ast.unparse(found)
            after = change(changed, found)
            ast.fix_missing_locations(changed)
            if after == before:
                continue
            number = getattr(node, "lineno", 1)
            yield Mutant(f"{path.name}:{number}", lines[number - 1].strip(), before, after, changed)


def loaded(mutant: Mutant, original: types.ModuleType) -> dict[str, Any]:
    """The names of the changed module."""
    module = types.ModuleType(original.__name__)
    module.__dict__["__file__"] = original.__file__
    exec(compile(mutant.tree, mutant.place, "exec"), module.__dict__)
    return module.__dict__


@contextmanager
def installed(mutant: Mutant, original: types.ModuleType) -> Iterator[None]:
    """Puts the functions and classes of the changed module wherever the original's are known by their names.

    A class that others inherit from gets the changed methods instead: its children know it by itself.
    """
    names = loaded(mutant, original)
    package = original.__name__.rpartition(".")[0]
    modules = [one for name, one in sys.modules.items() if name.startswith(package) and one is not None]
    own = {name: one for name, one in vars(original).items() if getattr(one, "__module__", "") == original.__name__}
    parents = {name for name, one in own.items() if isinstance(one, type) and one.__subclasses__()}
    replaced = {id(one): names[name] for name, one in own.items() if name not in parents}
    kept: list[tuple[Any, str, Any]] = []
    try:
        for module in modules:
            for name, value in list(vars(module).items()):
                if id(value) in replaced:
                    kept.append((module, name, value))
                    setattr(module, name, replaced[id(value)])
        for parent in parents:
            for name, value in list(vars(own[parent]).items()):
                if isinstance(value, types.FunctionType | property):
                    kept.append((own[parent], name, value))
                    setattr(own[parent], name, vars(names[parent])[name])
        yield
    finally:
        for one, name, value in kept:
            setattr(one, name, value)


def within_limit(work: Callable[[], Mapping[str, str]], cpu_limit_s: float = CPU_LIMIT_S) -> Mapping[str, str]:
    """What the work finds; that it does not end in time is a finding too."""

    def end(*_: object) -> None:
        raise _Endless

    kept = {number: signal.signal(number, end) for number in (signal.SIGALRM, signal.SIGPROF)}
    # Again and again: what is raised in a finalizer or in a callback of the garbage collector goes no further.
    signal.setitimer(signal.ITIMER_PROF, cpu_limit_s, 0.5)
    signal.setitimer(signal.ITIMER_REAL, WALL_LIMIT_S, 0.5)
    try:
        return work()
    except _Endless:
        return {"time": "it does not end"}
    except Exception as error:  # noqa: BLE001 - a test fell over what it was answered: found as well
        return {"exception": str(error)}
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.setitimer(signal.ITIMER_PROF, 0)
        for number, handler in kept.items():
            signal.signal(number, handler)


def score(
    modules: Iterable[types.ModuleType],
    failures: Callable[[Mutant, types.ModuleType], Mapping[str, str]],
    *,
    left_out: re.Pattern[str] | None = None,
    cpu_limit_s: float = CPU_LIMIT_S,
) -> tuple[int, list[Mutant]]:
    """How many mutants of these modules there are, and those of which `failures` finds none.

    Mutants of lines that `left_out` matches are not counted.
    """
    survivors, total = [], 0
    for module in modules:
        for mutant in of(Path(str(module.__file__))):
            if left_out is not None and left_out.search(mutant.line):
                continue
            total += 1
            if not within_limit(functools.partial(failures, mutant, module), cpu_limit_s):
                survivors.append(mutant)
    return total, survivors


def print_score(total: int, survivors: Sequence[Mutant], explained: Mapping[tuple[str, str, str], str]) -> int:
    """Prints the score and every survivor; the number of those without an explanation.

    `explained`: the line, what stood there and what stands there, or the line alone with two empty texts.
    """
    found = total - len(survivors)
    print(f"\nmutants of the reference: {found} of {total} found, {found / total:.1%}\n")
    print("| survivor | was | is | why it is none |\n| --- | --- | --- | --- |")
    unexplained = 0
    for one in survivors:
        why = explained.get((one.line, one.before, one.after)) or explained.get((one.line, "", ""))
        unexplained += why is None
        print(f"| {one.place} | `{one.before[:80]}` | `{one.after[:80]}` | {why or 'UNEXPLAINED'} |")
    return unexplained


_Change = Callable[[ast.Module, Any], str]


def _changes(node: ast.AST) -> Iterator[_Change]:
    if isinstance(node, ast.Compare):
        for place, operator in enumerate(node.ops):
            for other in _COMPARISONS.get(type(operator), []):
                yield functools.partial(_compare, place, other)
    elif isinstance(node, ast.BinOp) and type(node.op) in _ARITHMETIC:
        yield lambda _, found: _field(found, "op", _ARITHMETIC[type(found.op)]())
    elif isinstance(node, ast.BoolOp):
        yield lambda _, found: _field(found, "op", ast.And() if isinstance(found.op, ast.Or) else ast.Or())
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub):
        yield _unsigned if isinstance(node.op, ast.USub) else _unnegate
    elif isinstance(node, ast.Constant) and type(node.value) is int:
        yield _increment
    elif isinstance(node, ast.IfExp):
        yield _swap
    elif isinstance(node, ast.Return) and node.value is not None:
        yield lambda _, found: _field(found, "value", ast.Constant(None))
    elif isinstance(node, ast.Raise):
        yield _drop


def _compare(place: int, other: type[ast.cmpop], _: ast.Module, found: ast.Compare) -> str:
    found.ops[place] = other()
    return ast.unparse(found)


def _field(found: Any, name: str, value: Any) -> str:
    setattr(found, name, value)
    return ast.unparse(found)


def _unsigned(_: ast.Module, found: ast.UnaryOp) -> str:
    return _field(found, "op", ast.UAdd())


def _unnegate(_: ast.Module, found: ast.UnaryOp) -> str:
    found.operand = ast.UnaryOp(ast.Not(), found.operand)
    return ast.unparse(found)


def _increment(_: ast.Module, found: Any) -> str:
    return _field(found, "value", found.value + 1)


def _swap(_: ast.Module, found: ast.IfExp) -> str:
    found.body, found.orelse = found.orelse, found.body
    return ast.unparse(found)


def _drop(tree: ast.Module, found: ast.Raise) -> str:
    for node in ast.walk(tree):
        for name in ("body", "orelse"):
            statements = getattr(node, name, None)
            if isinstance(statements, list) and found in statements:
                statements[statements.index(found)] = ast.Pass()
    return "pass"
