"""Without events: what was routed is assumed to be held for a time. KX-080 to KX-085."""

from __future__ import annotations

from hypothesis import strategies as st

from trueup_contracts import requirement
from trueup_contracts.kv_index.calls import Index
from trueup_contracts.kv_index.model import Worker
from trueup_contracts.kv_index.naming import tokens
from trueup_contracts.kv_index.steps import told
from trueup_contracts.profile import Profile
from trueup_contracts.subject import Subject

TTL_S = 120.0
ONE, TWO = (1, 0), (2, 1)
MANY = 1 << 20


class Routed:
    """An index of prompts that were routed, a letter a block."""

    def __init__(self, subject: Subject, max_blocks: int = MANY) -> None:
        self.index = Index(subject, ttl_s=TTL_S, max_blocks=max_blocks)
        self.done: list[str] = []

    def route(self, text: str, worker: Worker = ONE) -> None:
        """A prompt to a worker."""
        self.done.append(f"route {text if len(text) < 20 else f'{len(text)} blocks'} to {worker[0]}:{worker[1]}")
        self.index.route(tokens(text), worker)

    def wait(self, seconds: float) -> None:
        """The clock."""
        self.done.append(f"{seconds:g} s pass")
        self.index.handle.call("advance", seconds=seconds)

    def matches(self, text: str) -> dict[Worker, int]:
        """Of a prompt."""
        return self.index.matches_tokens(tokens(text))

    def expect(self, text: str, due: dict[Worker, int]) -> None:
        """The matches must be these."""
        found = self.matches(text)
        assert found == due, f"a prompt of {text} matches {told(found)}, expected {told(due)}; before: {self.history}"

    @property
    def history(self) -> str:
        """What was done, in words."""
        return "; ".join(self.done[-12:])


@requirement("KX-080")
def test_what_was_routed_matches_its_worker(trueup_subject: Subject) -> None:
    routed = Routed(trueup_subject)
    routed.expect("abc", {})
    routed.route("abc")
    routed.expect("abc", {ONE: 3})
    routed.expect("abcd", {ONE: 3})
    routed.expect("abx", {ONE: 2})
    routed.expect("bc", {})
    routed.route("abcde", TWO)
    routed.expect("abcde", {ONE: 3, TWO: 5})
    routed.index.route(tokens("xyz")[:-1], ONE)  # the last block is not full
    routed.expect("xyz", {ONE: 2})
    count = routed.index.count
    assert count == 10, f"routed were blocks abc and xy to one worker, abcde to another: tracked_blocks is {count}"


@requirement("KX-081")
def test_what_was_routed_expires(trueup_subject: Subject) -> None:
    routed = Routed(trueup_subject)
    routed.route("abc")
    routed.wait(TTL_S / 2)
    routed.route("xy", TWO)
    routed.wait(TTL_S / 2 - 1)
    routed.expect("abc", {ONE: 3})
    routed.wait(2)
    routed.expect("abc", {})
    routed.expect("xy", {TWO: 2})
    count = routed.index.count
    assert count == 2, f"left are 2 blocks, and tracked_blocks is {count}; before: {routed.history}"
    routed.wait(TTL_S)
    routed.expect("xy", {})
    count = routed.index.count
    assert count == 0, f"everything has expired, and tracked_blocks is {count}; before: {routed.history}"
    routed.route("abc", TWO)
    routed.expect("abc", {TWO: 3})


@requirement("KX-082")
def test_routing_again_renews_the_whole_prompt(trueup_subject: Subject) -> None:
    routed = Routed(trueup_subject)
    routed.route("abcd")
    routed.wait(TTL_S - 10)
    routed.route("abxy")
    routed.route("abcd", TWO)  # another worker's renews nothing here
    routed.wait(20)
    routed.expect("abxy", {ONE: 4, TWO: 2})
    routed.expect("abcd", {ONE: 2, TWO: 4})
    for _ in range(5):
        routed.wait(TTL_S - 10)
        routed.route("abxy")
    routed.expect("abxy", {ONE: 4})


@requirement("KX-083")
def test_the_bound_holds(trueup_subject: Subject) -> None:
    for most, length in ((10, 3), (50, 7), (100, 40), (20, 20)):
        routed = Routed(trueup_subject, most)
        before = 0
        for number in range(12 * most // length):
            first = chr(ord("À") + number)
            routed.route(first + "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"[: length - 1], (number % 3, 0))
            routed.wait(0.01)
            count, due = routed.index.count, before + length
            assert count <= most, f"max_blocks is {most}, and {count} are tracked after routing {length} more"
            if due <= most:
                assert count == due, f"{before} blocks and {length} more, at most {most}: {count} are tracked"
            else:
                # 80 % of the bound; a prompt's blocks more or less, since systems prune before or after they add it.
                low, high = most * 8 // 10 - length, most * 8 // 10 + length
                assert low <= count <= high, (
                    f"{due} blocks with at most {most}: {count} are left, "
                    f"and about {most * 8 // 10} are due, {low} to {high}"
                )
            before = count


@requirement("KX-084")
def test_what_expires_first_is_pruned_first_and_last_blocks_before_first_ones(trueup_subject: Subject) -> None:
    routed = Routed(trueup_subject, 20)
    prompts = ["abcde", "fghij", "klmno", "pqrst"]
    for text in prompts:
        routed.route(text)
        routed.wait(1)
    routed.route("uvwxy")  # 25 blocks: some of the oldest go
    left = [routed.matches(text).get(ONE, 0) for text in (*prompts, "uvwxy")]
    assert sum(left) == routed.index.count, (
        f"of five prompts of 5 blocks the first {left} blocks match, {sum(left)} in all, and {routed.index.count} are "
        f"tracked: the rest matches nothing any more"
    )
    assert left == sorted(left), (
        f"prompts in the order in which they were routed keep {left} of 5 blocks: the oldest go first"
    )
    assert left[-1] == 5, f"of the prompt that was routed last {left[-1]} of 5 blocks are left"
    routed = Routed(trueup_subject, 20)
    routed.route("abcdefghijklmnopqrst")
    routed.wait(1)
    routed.route("xyz")  # all of the first prompt expires at one moment: its head must stay
    kept = routed.matches("abcdefghijklmnopqrst").get(ONE, 0)
    assert kept >= 20 * 8 // 10 - 6, (
        f"a prompt of 20 blocks, at most 20, and 3 blocks more: {kept} leading blocks of the first prompt are left, "
        f"and {routed.index.count} blocks are tracked in all"
    )


@requirement("KX-085")
def test_what_is_counted_can_be_matched(trueup_subject: Subject, trueup_profile: Profile) -> None:
    chains = ["abc", "abcdef", "abx", "xyz", "a", "xyzabc", "b", "abcxyz"]

    def test(steps: list[tuple[str, int, float]], most: int) -> None:
        routed = Routed(trueup_subject, most)
        for text, worker, seconds in steps:
            routed.route(text, (worker, 0))
            routed.wait(seconds)
            reached = {
                (worker, text[:length])
                for text in chains
                for worker, depth in routed.matches(text).items()
                for length in range(1, depth + 1)
            }
            count = routed.index.count
            assert count == len(reached), (
                f"{count} blocks are tracked, and {len(reached)} can be matched, with at most {most} and a time to "
                f"live of {TTL_S:g} s; before: {routed.history}"
            )

    step = st.tuples(st.sampled_from(chains), st.integers(1, 2), st.sampled_from([0.0, 1.0, 40.0, 100.0, 119.0]))
    trueup_profile.check(test, steps=st.lists(step, min_size=1, max_size=10), most=st.sampled_from([7, 10, 15, 100]))
