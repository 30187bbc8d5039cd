"""Mixed traffic: chats, long documents, batches and urgent requests, each with the targets that it would have."""

from __future__ import annotations

import random
from typing import Any, NamedTuple

VOCABULARY = 1 << 17


class Kind(NamedTuple):
    """Of a request. Lengths in tokens, targets in milliseconds: the least and the most."""

    name: str
    share: float
    isl: tuple[int, int]
    answer: tuple[int, int]
    ttft: tuple[int, int] | None
    itl: tuple[int, int] | None
    priority: int | None = None


KINDS = (
    Kind("chat", 0.55, (20, 900), (8, 40), (80, 400), (8, 25)),
    Kind("document", 0.25, (900, 4000), (8, 60), (400, 1000), (10, 40)),
    Kind("batch", 0.15, (200, 3000), (20, 60), None, None, -10),
    Kind("urgent", 0.05, (20, 1500), (8, 20), (50, 150), (5, 15), 20),
)


class Traffic:
    """Requests without end: the same seed, the same requests."""

    def __init__(self, seed: int, kinds: tuple[Kind, ...] = KINDS) -> None:
        """Draws from these kinds by their share."""
        self._chance = random.Random(seed)
        self._kinds = kinds

    def next(self) -> tuple[str, dict[str, Any]]:
        """The name of its kind, and a body of `POST /v1/generate` but for the id."""
        chance = self._chance
        kind = chance.choices(self._kinds, [one.share for one in self._kinds])[0]
        body: dict[str, Any] = {
            "token_ids": [chance.randrange(VOCABULARY) for _ in range(chance.randint(*kind.isl))],
            "max_tokens": chance.randint(*kind.answer),
        }
        targets = {
            f"{name}_target": chance.randint(*found) for name in ("ttft", "itl") if (found := getattr(kind, name))
        }
        if targets:
            body["targets"] = targets
        if kind.priority is not None:
            body["priority"] = kind.priority
        return kind.name, body
