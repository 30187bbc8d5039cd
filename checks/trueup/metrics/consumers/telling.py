"""From faults in an expression to findings in a file."""

from __future__ import annotations

from trueup.datafiles import Text
from trueup.findings import Finding
from trueup.metrics.consumers.judge import Fault
from trueup.metrics.consumers.model import Expression, Trouble
from trueup.rules import registry


class Teller:
    """Collects the findings of one file."""

    def __init__(self, path: str, text: Text) -> None:
        self.findings: list[Finding] = []
        self._path = path
        self._text = text
        self._ordinals: dict[tuple[str, str], int] = {}

    def fault(self, expression: Expression | None, fault: Fault) -> None:
        """Adds a fault of an expression; without one, its places are the file's own."""
        if expression is None:
            self._add(f"metrics/{fault.rule}", fault.target, fault.start, fault.end, fault.message, fault.suggestion)
            return
        start = expression.place(fault.start)
        # A place that YAML has folded is known at its beginning only.
        end = max(expression.place(max(fault.end - 1, fault.start)) + 1, start)
        about = ", ".join(filter(None, (expression.title, expression.where)))
        message = f"{about}: {fault.message}" if about else fault.message
        self._add(f"metrics/{fault.rule}", fault.target, start, end, message, fault.suggestion)

    def trouble(self, trouble: Trouble) -> None:
        """Adds something that is wrong with the file itself."""
        message = f"{trouble.where}: {trouble.message}" if trouble.where else trouble.message
        self._add(f"metrics/{trouble.rule}", trouble.where, trouble.offset, trouble.offset, message, None)

    def whole(self, rule: str, target: str, message: str) -> None:
        """Adds something that is missing from the file as a whole."""
        self._add(f"metrics/{rule}", target, 0, 0, message, None)

    def _add(self, rule_id: str, target: str, start: int, end: int, message: str, suggestion: str | None) -> None:
        rule = registry()[rule_id]
        key = (rule_id, target)
        self._ordinals[key] = ordinal = self._ordinals.get(key, 0) + 1
        line, column = self._text.place(start)
        end_line, end_column = self._text.place(end)
        self.findings.append(
            Finding(
                rule=rule_id,
                severity=rule.severity,
                path=self._path,
                message=message,
                reason=rule.reason,
                target=target,
                ordinal=ordinal,
                line=line,
                column=column,
                end_line=end_line,
                end_column=end_column,
                suggestion=suggestion,
            )
        )
