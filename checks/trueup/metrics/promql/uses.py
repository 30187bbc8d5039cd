"""What an expression does with metrics: which names it selects, under which functions, by which labels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from trueup.metrics.promql.parsing import Parsed
from trueup.metrics.promql.regex_names import alternatives
from trueup.metrics.promql.selectors import Matcher, Selector
from trueup.metrics.promql.tokens import Token

_KEEP_LABELS = frozenset({"topk", "bottomk", "limitk", "limit_ratio"})


class Named(NamedTuple):
    """A metric's name in an expression, or a pattern of names with `*`; `[start, end)` is where it is written."""

    text: str
    start: int
    end: int

    @property
    def is_pattern(self) -> bool:
        """Whether it stands for several names."""
        return "*" in self.text


class Use(NamedTuple):
    """A selector: its names (several with `__name__=~"a|b"`), its matchers, and what is done with it.

    `calls` are the functions around it, the innermost first, up to the expression's top; `is_range`: `x[5m]`.
    `grouped`: labels that an aggregation over this selector alone keeps.
    """

    names: tuple[Named, ...]
    matchers: tuple[Matcher, ...]
    calls: tuple[str, ...]
    is_range: bool
    grouped: tuple[str, ...]


class Lost(NamedTuple):
    """A `histogram_quantile` whose buckets have lost `le`: the place of the aggregation that drops it."""

    start: int
    end: int
    aggregation: str


class _Seen(NamedTuple):
    node: Any
    calls: tuple[str, ...]
    is_range: bool
    grouped: tuple[str, ...]


def uses_of(parsed: Parsed) -> list[Use]:
    """Every selector of an expression, in order; without functions where it has no tree."""
    selectors = parsed.layout.selectors
    seen = list(_selected(parsed.tree)) if parsed.tree is not None else []
    if len(seen) < len(selectors):  # a variable alone was taken for a number
        selectors = [one for one in selectors if one.matchers or one.name is None or not _is_variable(one.name)]
    if len(seen) != len(selectors):  # an operator's name taken for a metric's, or the other way round
        seen = [_Seen(None, (), False, ())] * len(selectors)
    return [
        Use(tuple(_names(selector)), tuple(selector.matchers), one.calls, one.is_range, one.grouped)
        for selector, one in zip(selectors, seen, strict=True)
    ]


def _is_variable(token: Token) -> bool:
    return token.variables == [(token.start, token.end)]


def children(node: Any) -> list[Any]:
    """The expressions below one, in the order in which they are written."""
    kind = type(node).__name__
    if kind == "BinaryExpr":
        return [node.lhs, node.rhs]
    if kind == "AggregateExpr":
        return [node.param, node.expr] if node.param is not None else [node.expr]
    if kind == "Call":
        return list(node.args)
    if kind in ("ParenExpr", "UnaryExpr", "SubqueryExpr"):
        return [node.expr]
    return [node.vector_selector] if kind == "MatrixSelector" else []


def _selected(tree: Any) -> Iterator[_Seen]:
    stack = [_Seen(tree, (), False, ())]
    while stack:
        seen = stack.pop()
        node, calls, _, grouped = seen
        kind = type(node).__name__
        if kind == "VectorSelector":
            yield seen
            continue
        if kind == "Call":
            calls = (node.func.name, *calls)
        elif kind == "AggregateExpr":
            calls = (str(node.op), *calls)
            by = node.modifier
            grouped = (*grouped, *by.labels) if by is not None and str(by.type).endswith("By") else grouped
        elif kind == "BinaryExpr":
            grouped = ()  # labels may come from the other side
        elif kind == "SubqueryExpr":
            calls = ("[:]", *calls)
        below = children(node)
        stack += [_Seen(one, calls, kind == "MatrixSelector", grouped) for one in reversed(below)]


def _names(selector: Selector) -> Iterator[Named]:
    token = selector.name
    if token is not None:
        quotes = token.kind == "string"
        yield _named(token, token.start + quotes, token.end - quotes)
    for label, op, value in selector.matchers:
        if label.text.strip("\"'") != "__name__" or value.kind != "string":
            continue
        if op == "=":
            yield _named(value, value.start + 1, value.end - 1)
        elif op == "=~" and not value.variables and "\\" not in value.text:
            for text, offset in alternatives(value.text[1:-1]):
                start = value.start + 1 + offset
                # A pattern's `*` is written as two characters.
                yield Named(text, start, start + len(text) + text.count("*"))


def _named(token: Token, start: int, end: int) -> Named:
    text = token.text
    for first, last in reversed(token.variables):
        text = text[: first - token.start] + "*" + text[last - token.start :]
    return Named(text[start - token.start : len(text) - (token.end - end)], start, end)


def lost_le(parsed: Parsed) -> list[Lost]:
    """Every `histogram_quantile` over classic buckets that an aggregation has robbed of `le`."""
    functions = parsed.layout.functions
    if parsed.tree is None or any(one.variables for one in (*functions, *parsed.layout.labels)):
        return []
    found: list[Lost] = []
    # Functions and aggregations in the order in which they are written: the tree's own order from its top.
    order: dict[int, int] = {}
    nodes: list[Any] = []
    stack = [parsed.tree]
    while stack:
        node = stack.pop()
        if type(node).__name__ in ("Call", "AggregateExpr"):
            order[id(node)] = len(nodes)
            nodes.append(node)
            if type(node).__name__ == "Call" and node.func.name == "histogram_quantile" and len(node.args) == 2:
                buckets = node.args[1]
                robber = _robber(buckets)
                if robber is not None and _only_buckets(buckets):
                    found.append(_lost(parsed, len(nodes) - 1, str(robber.op)))
        stack += reversed(children(node))
    return found


def _lost(parsed: Parsed, index: int, aggregation: str) -> Lost:
    functions = parsed.layout.functions
    if index < len(functions) and functions[index].text == "histogram_quantile":
        return Lost(functions[index].start, functions[index].end, aggregation)
    return Lost(0, len(parsed.text), aggregation)


def _robber(node: Any) -> Any:
    """The aggregation that drops `le` on the way up to here, or `None`."""
    while True:
        kind = type(node).__name__
        if kind == "AggregateExpr":
            if str(node.op) not in _KEEP_LABELS and not _keeps_le(node):
                return node
            node = node.expr
        elif kind in ("ParenExpr", "UnaryExpr", "SubqueryExpr"):
            node = node.expr
        elif kind == "Call":
            vectors = [one for one in node.args if type(one).__name__ not in ("NumberLiteral", "StringLiteral")]
            if len(vectors) != 1:
                return None
            node = vectors[0]
        else:
            return None


def _keeps_le(node: Any) -> bool:
    by = node.modifier
    if by is None:
        return False
    return ("le" in by.labels) == str(by.type).endswith("By")


def _only_buckets(node: Any) -> bool:
    """Whether every selector below names a classic histogram's buckets; native histograms have no `le`."""
    names = [one.node.name for one in _selected(node)]
    return bool(names) and all(name is not None and name.endswith("_bucket") for name in names)
