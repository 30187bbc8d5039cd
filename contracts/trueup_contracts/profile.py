"""How thorough a run is: examples per property, and the seed from which they are drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hypothesis import settings
    from hypothesis.stateful import RuleBasedStateMachine
    from hypothesis.strategies import SearchStrategy

EXAMPLES = {"quick": 25, "default": 150, "thorough": 2_000}


@dataclass(frozen=True)
class Profile:
    """The profile of this run."""

    name: str
    seed: int

    @property
    def examples(self) -> int:
        """How many examples a property is tried on."""
        return EXAMPLES[self.name]

    def check(self, test: Callable[..., None], *, times: int = 1, **strategies: SearchStrategy[Any]) -> None:
        """Runs a property on examples of the strategies, which are its arguments' names; `times` as many as others."""
        __tracebackhide__ = True
        from hypothesis import given, seed

        seed(self.seed)(self.settings(times)(given(**strategies)(test)))()

    def run_machine(
        self, machine: type[RuleBasedStateMachine], *, steps: int, times: int = 1, shrink: bool = True
    ) -> None:
        """Runs sequences of a state machine's rules, of at most so many steps; `shrink` shortens what fails."""
        from hypothesis import Phase, seed, settings
        from hypothesis.stateful import run_state_machine_as_test

        chosen = settings(self.settings(times), stateful_step_count=steps)
        if not shrink:
            chosen = settings(chosen, phases=[Phase.explicit, Phase.generate])
        run_state_machine_as_test(seed(self.seed)(machine), settings=chosen)

    def settings(self, times: int = 1) -> settings:
        """Settings for a property inside a test: nothing is written, no clock decides."""
        from hypothesis import HealthCheck, Phase, settings

        return settings(
            max_examples=times * self.examples,
            deadline=None,
            database=None,
            print_blob=False,
            report_multiple_bugs=False,
            phases=[Phase.explicit, Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        )
