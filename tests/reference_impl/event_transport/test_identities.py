"""Format B: each message once, and what is missing is told."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from trueup_reference.event_transport.counting import Counts
from trueup_reference.event_transport.identities import MOST_IDENTITIES, WINDOW, Identities, Verdict

NUMBERS = st.integers(0, 30) | st.sampled_from(
    [0, 1, WINDOW - 1, WINDOW, WINDOW + 1, 2 * WINDOW, 1 << 40, (1 << 64) - 1]
)


@given(st.lists(st.tuples(st.integers(1, 2), NUMBERS), max_size=40))
@settings(deadline=None, max_examples=200)
def test_as_a_set_of_numbers_would_have_it(messages: list[tuple[int, int]]) -> None:
    counts = Counts()
    identities = Identities(counts)
    seen: dict[int, set[int]] = {}
    missed = duplicates = late = 0
    for publisher, number in messages:
        known = seen.setdefault(publisher, set())
        judged = identities.judge(publisher, "kv", number)
        last = max(known, default=number - 1)
        if number in known and last - number < WINDOW:
            duplicates += 1
            assert judged is Verdict.DUPLICATE
        elif number > last + 1:
            missed += number - last - 1
            assert judged == {"kind": "gap", "missed": number - last - 1}
        else:
            late += number <= last
            assert judged is Verdict.DELIVER
        known.add(number)
    assert (counts.duplicates, counts.out_of_order, counts.missed) == (duplicates, late, missed)


def test_publishers_without_end_take_no_memory_without_end() -> None:
    identities = Identities(Counts())
    for publisher in range(MOST_IDENTITIES + 10):
        assert identities.judge(publisher, "kv", 5) is Verdict.DELIVER
    assert identities.judge(MOST_IDENTITIES + 9, "kv", 5) is Verdict.DUPLICATE
    assert identities.judge(0, "kv", 5) is Verdict.DELIVER  # long forgotten
