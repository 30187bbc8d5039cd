"""Many threads on few keys: EC-050 to EC-052."""

from __future__ import annotations

import random

from trueup_contracts import requirement
from trueup_contracts.embedding_cache.calls import Cache
from trueup_contracts.embedding_cache.fill import Fill
from trueup_contracts.profile import Profile
from trueup_contracts.subject import Subject
from trueup_contracts.turns import THREADS, together

KEYS = [f"key {number}" for number in range(6)]
# Of each key one tensor for ever: whoever gets a key knows what it must be.
FILLS = {key: Fill(number, "uint8", (11 + 7 * number,)) for number, key in enumerate(KEYS)}
CAPACITY = 80


@requirement("EC-050")
def test_the_ledger_survives_threads(trueup_subject: Subject, trueup_profile: Profile) -> None:
    cache = Cache(trueup_subject, CAPACITY)
    claimed = trueup_subject.capabilities
    rounds = trueup_profile.examples

    def work(choices: random.Random) -> None:
        for _ in range(rounds):
            key = choices.choice(KEYS)
            what = choices.random()
            if what < 0.45:
                assert cache.set(key, FILLS[key]), f"{FILLS[key].size_bytes} bytes were refused by {CAPACITY}"
            elif what < 0.65:
                found = cache.get(key)
                assert found in (None, FILLS[key].told()), f"get({key!r}) answered another tensor: {found}"
            elif what < 0.95 and "remove" in claimed:
                cache.call("remove", key=key)
            else:
                found_bytes = cache.current_bytes
                assert 0 <= found_bytes <= CAPACITY, f"current_bytes is {found_bytes}, the capacity {CAPACITY}"

    for seed in range(4):
        together(work, trueup_subject, trueup_profile.seed + seed)
        there = [key for key in KEYS if cache.has(key)]
        due = sum(FILLS[key].size_bytes for key in there)
        assert cache.current_bytes == due, f"left are {due} bytes, and current_bytes is {cache.current_bytes}"
        assert len(cache) == len(there), f"left are {there}, and len is {len(cache)}"
        assert due <= CAPACITY, f"left are {due} bytes in a cache of {CAPACITY}"
        for key in there:
            assert cache.get(key) == FILLS[key].told(), f"get({key!r}) answers another tensor"


@requirement("EC-051")
def test_no_request_is_lost_from_the_counts(trueup_subject: Subject, trueup_profile: Profile) -> None:
    cache = Cache(trueup_subject, CAPACITY)
    cache.set(KEYS[0], FILLS[KEYS[0]])
    rounds = trueup_profile.examples

    def work(choices: random.Random) -> None:
        for number in range(rounds):
            cache.get(KEYS[0] if number % 2 else "absent")

    together(work, trueup_subject, trueup_profile.seed)
    stats = cache.call("stats")
    due = (THREADS * (rounds // 2), THREADS * (rounds - rounds // 2))
    found = (stats["hits"], stats["misses"])
    assert found == due, f"hits and misses that were made: {due}, counted are {found}"


@requirement("EC-052")
def test_keys_can_be_listed_meanwhile(trueup_subject: Subject, trueup_profile: Profile) -> None:
    cache = Cache(trueup_subject, 10_000)
    for number in range(200):
        cache.set(f"still {number}", cache.fill(number, 3))
    rounds = trueup_profile.examples

    def work(choices: random.Random) -> None:
        for number in range(rounds):
            if choices.random() < 0.5:
                cache.set(f"new {choices.randrange(1000)}", FILLS[KEYS[number % len(KEYS)]])
            else:
                keys = list(cache.call("keys"))
                assert len(keys) == len(set(keys)), "keys() has a key twice"

    together(work, trueup_subject, trueup_profile.seed)
