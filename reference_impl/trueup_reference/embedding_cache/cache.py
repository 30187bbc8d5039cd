"""Tensors by key, bounded in bytes, least recently used first out."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping

import torch

from trueup_reference.embedding_cache import events, forking, holding
from trueup_reference.embedding_cache.base import Cache
from trueup_reference.embedding_cache.errors import PinError
from trueup_reference.embedding_cache.holding import Held
from trueup_reference.embedding_cache.ledger import Ledger

_lost: list[Ledger] = []  # ledgers of a parent process: freeing what is on its device would call the device


class EmbeddingCache(Cache[Held]):
    """A cache for one device. Safe to use from many threads and CUDA streams; the lock is held for bookkeeping only.

    With `copies_on_set` (the default) it keeps contiguous copies, which cost their elements; without it the caller's
    tensors, which cost their whole storages, each counted once: nobody may write into them then. With `copies_on_get`
    it hands out copies, else what it keeps: nobody may write into that either.

    While a copy is made the device holds it beside all entries: for every thread that stores, up to the size of one
    entry more than `capacity_bytes`.

    In a child process that was forked a cache on the CPU goes on with its parent's entries; one on a device raises
    `ForkedError`. It cannot be pickled.
    """

    def __init__(
        self,
        capacity_bytes: int,
        device: str | torch.device = "cpu",
        *,
        copies_on_set: bool = True,
        copies_on_get: bool = False,
        name: str = "default",
    ) -> None:
        """Raises `TypeError` or `ValueError` for a capacity that is none. `name` tells caches apart in metrics."""
        self.copies_on_set = copies_on_set
        self.copies_on_get = copies_on_get
        self._ledger = Ledger()
        super().__init__(capacity_bytes, device, name)

    def set(self, key: str, tensor: torch.Tensor) -> bool:
        """Stores a tensor as most recent. False for lack of room, also beside pinned entries: then nothing changes.

        Raises `UnsupportedTensorError` for a tensor of another device, or one that is not plain and strided, and
        `torch.OutOfMemoryError` or `RuntimeError` where no copy can be had even after entries were evicted for it.
        """
        return self.set_with_delta(key, tensor)[0]

    def set_with_delta(self, key: str, tensor: torch.Tensor) -> tuple[bool, list[str], list[str]]:
        """The same: whether it was stored, and the keys that were added and removed by it, for a mirror.

        After an exception for lack of memory a mirror has to ask for `keys()`: entries may have been evicted.
        """
        checked = holding.check(tensor, self.device)
        if not self._may_fit(key, checked):
            return False, [], []
        held, before = self._taken(checked)
        stored, added, gone = self._insert(key, held)
        if stored and key in before:  # evicted and stored again in one step: for a mirror nothing happened to it
            before.remove(key)
            added = []
        return stored, added, before + gone

    def get(self, key: str) -> torch.Tensor | None:
        """The tensor, most recent from now on, ready for the stream that is current; `None` where there is none."""
        with self._lock:
            held = self._touched(key)
        return None if held is None else self._hand_out(held)

    def get_many(self, keys: Iterable[str]) -> list[torch.Tensor | None]:
        """`get` of each, in this order, with nothing stored or evicted in between."""
        with self._lock:
            found = [self._touched(key) for key in keys]
        return [None if held is None else self._hand_out(held) for held in found]

    def set_many(self, tensors: Mapping[str, torch.Tensor]) -> dict[str, bool]:
        """`set` of each, in this order; later ones may evict earlier ones. A tensor that is refused stops none of them.

        Raises `UnsupportedTensorError` before anything is stored.
        """
        for tensor in tensors.values():
            holding.check(tensor, self.device)
        return {key: self.set(key, tensor) for key, tensor in tensors.items()}

    def remove(self, key: str) -> bool:
        """Whether there was such an entry; a pinned one stays."""
        with self._lock:
            held = self._ledger.entries.get(key)
            if held is None or held.pins:
                return False
            self._ledger.pop(key)
            return True

    def clear(self) -> list[str]:
        """Removes all entries that are not pinned; their keys, least recent first."""
        with self._lock:
            gone = [key for key, held in self._ledger.entries.items() if not held.pins]
            dropped = [self._ledger.pop(key) for key in gone]
        del dropped  # outside the lock: giving much memory back takes time
        return gone

    def shrink_to(self, bytes: int) -> list[str]:
        """Evicts until no more than these bytes are held, as far as pins allow; the keys, least recent first."""
        with self._lock:
            gone = self._ledger.evict_to(bytes)
            self._evictions += len(gone)
        return [key for key, _ in gone]

    def pin(self, key: str) -> bool:
        """One pin more: a pinned entry is neither evicted nor removed nor overwritten. False where there is none."""
        with self._lock:
            held = self._ledger.entries.get(key)
            if held is None:
                return False
            self._ledger.pin(held, 1)
            return True

    def unpin(self, key: str) -> None:
        """One pin less. `PinError` where there is none to give back."""
        with self._lock:
            held = self._ledger.entries.get(key)
            if held is None or not held.pins:
                raise PinError("unpin of what is not pinned")
            self._ledger.pin(held, -1)

    def keys(self) -> list[str]:
        """Least to most recent."""
        with self._lock:
            return list(self._ledger.entries)

    def numbers(self) -> dict[str, float]:
        """What the metrics tell, by the names in `metrics`."""
        with self._lock:
            return {
                **self._counts(),
                "bytes": self._ledger.current_bytes,
                "entries": len(self._ledger.entries),
            }

    @property
    def current_bytes(self) -> int:
        """The bytes of the entries."""
        return self._ledger.current_bytes

    def __len__(self) -> int:
        """The number of entries."""
        return len(self._ledger.entries)

    def __contains__(self, key: str) -> bool:
        """Whether there is an entry; this makes it no more recent."""
        return key in self._ledger.entries

    def begin_in_child(self, *, is_whole: bool) -> None:
        """For `forking`: a device is out of reach of a child process, and what it holds is left alone."""
        super().begin_in_child(is_whole=is_whole)
        is_lost = self.device.type != "cpu"
        if is_lost:
            self._lock = forking.Refusal(
                f"this cache on {self.device} was made before the process was forked: make one in the child process, "
                "which has to be started by spawn"
            )
            _lost.append(self._ledger)
        if is_lost or not is_whole:
            self._ledger = Ledger()

    def _look(self, key: str) -> Held | None:
        with self._lock:
            return self._touched(key)

    def _look_again(self, key: str) -> Held | None:
        with self._lock:
            return self._ledger.entries.get(key)

    def _keep(self, key: str, tensor: torch.Tensor) -> Held:
        checked = holding.check(tensor, self.device)
        if not self._may_fit(key, checked):
            return holding.take(checked, copies=False)
        try:
            held, _ = self._taken(checked)
        except RuntimeError as error:
            if not holding.is_out_of_memory(error):
                raise
        else:
            self._insert(key, held)
            return held
        # Whoever asked gets what was computed, also where there is no memory to keep a copy of it.
        with self._lock:
            self._refused += 1
        return holding.take(checked, copies=False)

    def _hand_out(self, found: Held) -> torch.Tensor:
        return holding.hand_out(found, copies=self.copies_on_get)

    def _touched(self, key: str) -> Held | None:
        held = self._ledger.entries.get(key)
        if held is None:
            self._misses += 1
        else:
            self._hits += 1
            self._ledger.entries.move_to_end(key)
        return held

    def _may_fit(self, key: str, tensor: torch.Tensor) -> bool:
        """Whether there can be room, asked before anything is copied."""
        if not self.copies_on_set or (tensor.nbytes <= self.capacity_bytes and not self._ledger.pinned):
            return True
        with self._lock:
            fits = self._room(key, None, tensor.nbytes) is not None
            self._refused += not fits
        return fits

    def _room(self, key: str, storage: Hashable, size_bytes: int) -> list[str] | None:
        old = self._ledger.entries.get(key)
        if size_bytes > self.capacity_bytes or (old is not None and old.pins):
            return None
        return self._ledger.victims(key, storage, size_bytes, self.capacity_bytes)

    def _insert(self, key: str, held: Held) -> tuple[bool, list[str], list[str]]:
        with self._lock:
            gone = self._room(key, held.storage, held.size_bytes)
            if gone is None:
                self._refused += 1
                return False, [], []
            dropped = [self._ledger.pop(name) for name in gone]
            is_new = key not in self._ledger.entries
            if not is_new:
                dropped.append(self._ledger.pop(key))
            self._evictions += len(gone)
            self._ledger.add(key, held)
        del dropped  # outside the lock: giving much memory back takes time
        return True, [key] if is_new else [], gone

    def _taken(self, tensor: torch.Tensor) -> tuple[Held, list[str]]:
        """The tensor as it is kept, and the keys that were evicted because there was no memory for a copy."""
        try:
            return holding.take(tensor, copies=self.copies_on_set), []
        except RuntimeError as error:
            if not holding.is_out_of_memory(error):
                raise
            wanted = holding.cost(tensor, copies=self.copies_on_set)
        # Outside `except`: the traceback would keep what was allocated until then.
        with self._lock:
            gone = self._ledger.evict_to(max(0, self._ledger.current_bytes - wanted))
            self._evictions += len(gone)
        events.warn("out_of_memory", cache=self.name, evicted_entries=len(gone), wanted_bytes=wanted)
        keys = [key for key, _ in gone]
        del gone
        return holding.take(tensor, copies=self.copies_on_set), keys
