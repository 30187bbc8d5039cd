"""Letters for blocks, and the sequence hashes that a worker's engine gives them."""

from __future__ import annotations

import functools

from trueup_contracts.kv_index import recipe
from trueup_contracts.kv_index.model import Path, Worker

BLOCK_SIZE = 4  # tokens
CALLED: dict[int, str] = {}  # local hashes that stand for no letter, and what they are called in failures
_MOST_LETTERS = 8
_SALT = 0x9E3779B97F4A7C15


@functools.lru_cache(maxsize=4096)
def local(letter: str) -> int:
    """The local hash that stands for a letter: that of a block full of it."""
    return recipe.local_hash(tokens(letter))


def tokens(text: str) -> list[int]:
    """A prompt whose blocks are these letters."""
    return [ord(letter) for letter in text for _ in range(BLOCK_SIZE)]


def path(text: str) -> Path:
    """The blocks of a request, a letter each."""
    return tuple(local(letter) for letter in text)


class Naming:
    """The sequence hashes of each worker: by the recipe, or, of workers 3, 7, 11 and so on, others of their own.

    Workers 2, 6, 10 and so on then call a block as others call the one with a and b exchanged.

    `special`: hashes of the test's own for whole paths, before all others.
    """

    def __init__(self, *, is_own: bool = False) -> None:
        self._is_own = is_own
        self.special: dict[tuple[Worker, Path], int] = {}

    def name(self, worker: Worker, block: Path) -> int:
        """The sequence hash of the last block of a path."""
        found = self.special.get((worker, block))
        if found is not None:
            return found
        made = _named(block)
        if self._is_own and worker[0] % 4 == 3:
            return recipe.next_hash(made, _SALT ^ worker[0])
        if self._is_own and worker[0] % 4 == 2:
            return _named(tuple(_swapped().get(one, one) for one in block))
        return made


@functools.cache
def _swapped() -> dict[int, int]:
    return {local("a"): local("b"), local("b"): local("a")}


@functools.lru_cache(maxsize=65_536)
def _named(block: Path) -> int:
    return recipe.next_hash(_named(block[:-1]) if len(block) > 1 else None, block[-1])


def letters_of(block: Path) -> str:
    """The letters of a path; a hash that is none's as its first digits. Of a long one the first and the last."""
    if len(block) > _MOST_LETTERS:
        return f"{'-'.join(map(_letter, block[:3]))}-…-{_letter(block[-1])} ({len(block):,})"
    return "-".join(map(_letter, block))


def _letter(one: int) -> str:
    return _known().get(one) or CALLED.get(one) or f"{one:#x}"[:8]


@functools.cache
def _known() -> dict[int, str]:
    return {local(chr(code)): chr(code) for code in [*range(ord("a"), ord("z") + 1), *range(ord("A"), ord("Z") + 1)]}
