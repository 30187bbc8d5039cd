"""The reference's KV index beside a plain node-object tree and a dictionary, in turn, in one run. Figures only.

    python benchmarks/kv_index.py [--runs N] [--blocks N]    # events, questions, memory
    python benchmarks/kv_index.py --scaling                  # the cost of a question by the number of tracked blocks
    python benchmarks/kv_index.py --indexer                  # from a publisher's payloads into the index
    python benchmarks/kv_index.py --shards 1,2,4             # the index in several processes
    python benchmarks/kv_index.py --segments 16,64,256,1024  # why a segment has at most 256 blocks
    python benchmarks/kv_index.py --plot FILE.svg            # of the first two (needs matplotlib: the extra `plots`)

The reference checks every event and locks; the other two do neither. Times are CPU time of this process, of the best
round: other work on the machine only ever adds to it.
"""

from __future__ import annotations

import argparse
import gc
import pickle
import random
import statistics
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

from kv_peers import Dictionary, PlainTree
from measure import table
from trueup_reference.kv_index import KvIndex, ShardedIndex, segments, sequence_hashes, shape, tree

Event = dict[str, Any]
BLOCK_SIZE = 16
PREFIXES = 8  # shared ones
MOST_PER_EVENT = 128  # blocks: 2,048 tokens in blocks of 16, one step of chunked prefill
QUESTIONS = 200
SHARING = {"none": 0.0, "half": 0.5, "high": 0.95}
REFERENCE = "reference"


class Index(Protocol):
    def apply(self, event: Event) -> None: ...
    def find_matches(self, local_hashes: Sequence[int]) -> Any: ...


CONTESTANTS: dict[str, Callable[[int], Index]] = {
    REFERENCE: KvIndex,
    "plain tree": PlainTree,
    "dictionary": Dictionary,
}


class Scenario(NamedTuple):
    workers: int
    depth: int
    sharing: str
    per_event: int = MOST_PER_EVENT

    def __str__(self) -> str:
        return f"{self.workers} x {self.depth:,}, {self.sharing}{', block by block' if self.per_event == 1 else ''}"


class Load(NamedTuple):
    stores: list[Event]
    removals: list[Event]
    questions: list[list[int]]
    blocks: int


class Took(NamedTuple):
    """Seconds of every call."""

    stores: list[float]
    questions: list[float]
    removals: list[float]


def scenarios(*, is_quick: bool) -> Iterator[Scenario]:
    if is_quick:
        yield from (Scenario(2, 16, "half"), Scenario(2, 64, "none", 1))
        return
    for sharing in SHARING:
        for workers in (1, 16, 256):
            for depth in (16, 512, 8192):
                if workers * depth <= 1 << 18:
                    yield Scenario(workers, depth, sharing)
    yield Scenario(64, 8192, "high")
    yield Scenario(16, 512, "none", 1)


def event(worker: int, data: Any) -> Event:
    return {"worker_id": worker, "event": {"event_id": 0, "dp_rank": 0, "data": data}}


def make_load(scenario: Scenario, blocks: int, seed: int = 1) -> Load:
    """Each worker stores chains of this depth, of which a part is one of a few shared prefixes, and removes them."""
    choices = random.Random(seed)
    workers, depth = scenario.workers, scenario.depth
    shared = int(depth * SHARING[scenario.sharing])
    prefixes = [[choices.getrandbits(64) for _ in range(shared)] for _ in range(PREFIXES)]
    load = Load([], [], [], max(1, blocks // (workers * depth)) * workers * depth)
    for number in range(load.blocks // depth):
        local = [*choices.choice(prefixes), *(choices.getrandbits(64) for _ in range(depth - shared))]
        names = sequence_hashes(local)
        worker = number % workers
        for begin in range(0, depth, scenario.per_event):
            part = slice(begin, begin + scenario.per_event)
            chain = [
                {"block_hash": name, "tokens_hash": one} for name, one in zip(names[part], local[part], strict=True)
            ]
            parent = names[begin - 1] if begin else None
            load.stores.append(event(worker, {"stored": {"parent_hash": parent, "blocks": chain}}))
        load.questions.append(local)
        for end in range(depth, 0, -MOST_PER_EVENT):  # an engine evicts from the tail
            gone = names[max(0, end - MOST_PER_EVENT) : end][::-1]
            load.removals.append(event(worker, {"removed": {"block_hashes": gone}}))
    choices.shuffle(load.questions)
    del load.questions[QUESTIONS:]
    copied: Load = pickle.loads(pickle.dumps(load))  # every number an object of its own, as a decoder makes them
    return copied


def each(call: Callable[[Any], object], arguments: Sequence[Any]) -> list[float]:
    clock = time.thread_time
    took = []
    for argument in arguments:
        begun = clock()
        call(argument)
        took.append(clock() - begun)
    return took


def one_round(make: Callable[[int], Index], load: Load) -> Took:
    index = make(BLOCK_SIZE)
    gc.collect()
    gc.disable()
    try:
        stores = each(index.apply, load.stores)
        questions = each(index.find_matches, load.questions)
        return Took(stores, questions, each(index.apply, load.removals))
    finally:
        gc.enable()


def best_rounds(load: Load, runs: int, contestants: dict[str, Callable[[int], Index]]) -> dict[str, Took]:
    rounds: dict[str, list[Took]] = {name: [] for name in contestants}
    for _ in range(runs):
        for name, make in contestants.items():
            rounds[name].append(one_round(make, load))
    return {name: Took(*(min(some, key=sum) for some in zip(*took, strict=True))) for name, took in rounds.items()}


def bytes_per_block(make: Callable[[int], Index], load: Load) -> float:
    """Of events that are decoded one by one and dropped: whatever numbers the index keeps are counted."""
    told = [pickle.dumps(one) for one in load.stores]
    gc.collect()
    tracemalloc.start()
    try:
        index = make(BLOCK_SIZE)
        for one in told:
            index.apply(pickle.loads(one))
        gc.collect()
        return tracemalloc.get_traced_memory()[0] / load.blocks
    finally:
        tracemalloc.stop()


def per_s(load: Load, took: Sequence[float], count: int | None = None) -> float:
    return (load.blocks if count is None else count) / sum(took)


def ratios(values: dict[str, float]) -> list[str]:
    return [f"{values[REFERENCE] / value:.2f}" for name, value in values.items() if name != REFERENCE]


def quantiles_us(took: Sequence[float]) -> str:
    if len(took) < 2:
        return f"{took[0] * 1e6:,.1f}"
    return f"{statistics.median(took) * 1e6:,.1f} / {statistics.quantiles(took, n=100)[98] * 1e6:,.1f}"


class Figures(NamedTuple):
    scenario: Scenario
    blocks: int
    rates: dict[str, dict[str, float]]
    times: dict[str, dict[str, str]]
    memory: dict[str, float]


def measured(scenario: Scenario, blocks: int, runs: int) -> Figures:
    load = make_load(scenario, blocks)
    took = best_rounds(load, runs, CONTESTANTS)
    rates = {
        "stores": {name: per_s(load, one.stores) for name, one in took.items()},
        "questions": {name: per_s(load, one.questions, len(load.questions)) for name, one in took.items()},
        "removals": {name: per_s(load, one.removals) for name, one in took.items()},
    }
    times = {
        name: {what: quantiles_us(getattr(one, what)) for what in ("stores", "questions", "removals")}
        for name, one in took.items()
    }
    memory = {name: bytes_per_block(make, load) for name, make in CONTESTANTS.items()}
    return Figures(scenario, load.blocks, rates, times, memory)


def main_tables(runs: int, blocks: int, *, is_quick: bool) -> list[Figures]:
    found = []
    for scenario in scenarios(is_quick=is_quick):
        print(f"  {scenario}", file=sys.stderr, flush=True)
        found.append(measured(scenario, blocks, runs))
    peers = [name for name in CONTESTANTS if name != REFERENCE]
    for what, title, unit, scale in (
        ("stores", "Blocks stored a second, in thousands", "", 1e3),
        ("questions", "Questions answered a second, each of a whole chain", "", 1.0),
        ("removals", "Blocks removed a second, in thousands", "", 1e3),
    ):
        print(f"{title}{unit}\n")
        rows = [
            [str(one.scenario), f"{one.blocks:,}", *(f"{one.rates[what][name] / scale:,.0f}" for name in CONTESTANTS),
             *ratios(one.rates[what])]
            for one in found
        ]  # fmt: skip
        table(["workers x depth, sharing", "blocks", *CONTESTANTS, *(f"/ {name}" for name in peers)], rows)
    print("Microseconds of a call, p50 / p99: an event that stores (128 blocks, or the depth), a question\n")
    table(
        ["", *(f"{what}, {name}" for what in ("store", "question") for name in CONTESTANTS)],
        [
            [str(one.scenario), *(one.times[name][what] for what in ("stores", "questions") for name in CONTESTANTS)]
            for one in found
        ],
    )
    print("Bytes per tracked block (a pair of worker and block)\n")
    table(
        ["", *CONTESTANTS, *(f"/ {name}" for name in peers)],
        [[str(one.scenario), *(f"{one.memory[name]:,.0f}" for name in CONTESTANTS), *ratios(one.memory)]
         for one in found],
    )  # fmt: skip
    summary(found)
    return found


def summary(found: Sequence[Figures]) -> None:
    """How far the aims are reached."""
    print("Aims, over all rows\n")

    def row(text: str, aim: str, values: Sequence[float], form: str) -> list[str]:
        return [text, aim, *(format(value, form) for value in (min(values), statistics.median(values), max(values)))]

    def quotients(what: str) -> list[float]:
        return [one.rates[what][REFERENCE] / one.rates[what]["plain tree"] for one in found]

    memory = [one.memory[REFERENCE] / one.memory["plain tree"] for one in found]
    rates = [one.rates[what][REFERENCE] / 1e3 for one in found for what in ("stores", "removals")]
    rows = [
        row("stores, reference / plain tree", "at least 5", quotients("stores"), ".2f"),
        row("questions, reference / plain tree", "at least 5", quotients("questions"), ".2f"),
        row("bytes per block, reference / plain tree", "at most 0.33", memory, ".2f"),
        row("thousand block operations a second, one core", "at least 500", rates, ",.0f"),
    ]
    table(["", "aim", "least", "median", "most"], rows)


def scaling(runs: int, *, is_quick: bool) -> list[tuple[int, dict[str, float]]]:
    """Questions of 512 blocks, while ever more other blocks are tracked."""
    found = []
    for blocks in (2_048, 4_096) if is_quick else (10_000, 30_000, 100_000, 300_000, 1_000_000):
        load = make_load(Scenario(16, 512, "half"), blocks)
        took = best_rounds(load, runs, {name: CONTESTANTS[name] for name in (REFERENCE, "plain tree")})
        cost = {name: statistics.median(one.questions) * 1e6 for name, one in took.items()}
        found.append((load.blocks, cost))
    print(
        "Microseconds of a question of 512 blocks (median) by the number of tracked blocks; 16 workers, sharing half\n"
    )
    rows = [
        [f"{blocks:,}", *(f"{value:.1f}" for value in cost.values()), f"{cost[REFERENCE] / found[0][1][REFERENCE]:.2f}"]
        for blocks, cost in found
    ]
    table(["tracked blocks", REFERENCE, "plain tree", "reference / its first row"], rows)
    return found


def from_payloads(blocks: int, runs: int) -> None:
    """Decoding, hashing of tokens, checking and storing, without sockets."""
    from trueup_reference.event_transport import BlockStored, EventBatch, Message, encode_batch
    from trueup_reference.kv_index.indexer import Indexer
    from trueup_reference.kv_index.normalising import Source

    choices = random.Random(1)
    rows = []
    for per_event in (1, 16, MOST_PER_EVENT):
        messages = []
        parent = None
        for number in range(blocks // per_event):
            names = tuple(choices.getrandbits(64) for _ in range(per_event))
            tokens = tuple(choices.randrange(1 << 17) for _ in range(per_event * BLOCK_SIZE))
            told = BlockStored(
                block_hashes=names, parent_block_hash=parent, token_ids=tokens, block_size=BLOCK_SIZE, medium="GPU"
            )
            payload = encode_batch(EventBatch(ts=0.0, events=(told,)))
            messages.append(Message("tcp://engine", "kv", number, None, payload))
            parent = names[-1] if number % 64 else None
        took = []
        for _ in range(runs):
            # No socket is asked: the messages are handed in.
            indexer = Indexer(KvIndex(BLOCK_SIZE), None, {"tcp://engine": Source(1)})  # type: ignore[arg-type]
            took.append(each(indexer.take, messages))
            assert indexer.index.tracked_blocks() == len(messages) * per_event
        best = min(took, key=sum)
        rows.append([f"{per_event}", f"{len(messages) * per_event / sum(best) / 1e3:,.0f}", quantiles_us(best)])
    print("From payloads of format A (maps) into the index: decoding, hashing 16 tokens a block, checking, storing\n")
    table(["blocks of an event", "thousand blocks a second", "us of a message, p50 / p99"], rows)


def sharded(counts: Sequence[int], blocks: int, *, is_quick: bool) -> None:
    """Wall time, since the work is other processes'."""
    load = make_load(Scenario(16, 64 if is_quick else 512, "half"), blocks)
    rows = []

    def row(name: str, index: Any, *, has_many: bool) -> None:
        timed = []
        for work in (
            (lambda: index.apply_many(load.stores))
            if has_many
            else (lambda: [index.apply(one) for one in load.stores]),
            lambda: [index.find_matches(one) for one in load.questions],
            lambda: [index.apply(one) for one in load.removals],
        ):
            begun = time.perf_counter()
            work()
            timed.append(time.perf_counter() - begun)
        rows.append([name, f"{load.blocks / timed[0] / 1e3:,.0f}", f"{len(load.questions) / timed[1]:,.0f}",
                     f"{load.blocks / timed[2] / 1e3:,.0f}"])  # fmt: skip

    row("in this process", KvIndex(BLOCK_SIZE), has_many=False)
    for count in counts:
        with ShardedIndex(BLOCK_SIZE, count) as index:
            index.tracked_blocks()  # its processes are there
            row(f"{count} process{'es' * (count > 1)}", index, has_many=True)
    print(f"Wall time, {load.blocks:,} blocks, 16 workers, chains of {len(load.questions[0])}, sharing half\n")
    table(["", "thousand blocks stored a second, all events at once", "questions a second",
           "thousand blocks removed a second, event by event"], rows)  # fmt: skip


def segment_lengths(lengths: Sequence[int], blocks: int, runs: int, *, is_quick: bool) -> None:
    """The same work with segments of at most so many blocks."""
    kept = segments.SHIFT, segments.RUN, segments.OFFSET
    rows = []
    cases = (
        [Scenario(2, 64, "half")]
        if is_quick
        else [Scenario(16, 16, "half"), Scenario(16, 512, "half"), Scenario(4, 8192, "half")]
    )
    try:
        for length in lengths:
            shift = length.bit_length() - 1
            for module in (segments, shape, tree):
                for name, value in (("SHIFT", shift), ("RUN", 1 << shift), ("OFFSET", (1 << shift) - 1)):
                    if hasattr(module, name):
                        setattr(module, name, value)
            row = [f"{1 << shift}"]
            for case in cases:
                load = make_load(case, blocks)
                took = best_rounds(load, runs, {REFERENCE: KvIndex})[REFERENCE]
                row += [f"{per_s(load, took.stores) / 1e3:,.0f}", f"{statistics.median(took.questions) * 1e6:,.1f}",
                        f"{bytes_per_block(KvIndex, load):,.0f}"]  # fmt: skip
            rows.append(row)
    finally:
        for module in (segments, shape, tree):
            for name, value in zip(("SHIFT", "RUN", "OFFSET"), kept, strict=True):
                if hasattr(module, name):
                    setattr(module, name, value)
    print("By the most blocks of a segment: thousand blocks stored a second; us of a question; bytes per block\n")
    header = [f"{case}: {what}" for case in cases for what in ("stores", "question", "bytes")]
    table(["blocks", *header], rows)


def plot(path: str, found: Sequence[Figures], grown: Sequence[tuple[int, dict[str, float]]]) -> None:
    """Ratios of each scenario, and what a question costs by size."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "trueup"
    from matplotlib import pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 6.5), width_ratios=(3, 2), layout="constrained")
    places = range(len(found))
    for offset, what in ((0.2, "questions"), (-0.2, "stores")):
        values = [one.rates[what][REFERENCE] / one.rates[what]["plain tree"] for one in found]
        left.barh([place + offset for place in places], values, height=0.38, label=what)
    left.axvline(1, color="black", linewidth=0.8)
    left.axvline(5, color="grey", linestyle=":", label="aim")
    left.set_yticks(list(places), [str(one.scenario) for one in found], fontsize=8)
    left.set_xscale("log")
    left.set_xlabel("times as many a second as the plain tree (workers x depth, sharing)")
    left.legend()
    for name in grown[0][1]:
        right.plot([blocks for blocks, _ in grown], [cost[name] for _, cost in grown], marker="o", label=name)
    right.set_xscale("log")
    right.set_yscale("log")
    right.set_xlabel("tracked blocks")
    right.set_ylabel("microseconds of a question of 512 blocks")
    right.legend()
    figure.savefig(path, metadata={"Date": None})


def numbers(text: str) -> list[int]:
    return [int(one) for one in text.split(",")]


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=3, help="rounds, of which the best counts (3)")
    parser.add_argument("--blocks", type=int, default=60_000, help="tracked blocks, at least (60,000)")
    parser.add_argument("--scaling", action="store_true")
    parser.add_argument("--indexer", action="store_true")
    parser.add_argument("--shards", type=numbers, metavar="N,N,…")
    parser.add_argument("--segments", type=numbers, metavar="N,N,…")
    parser.add_argument("--plot", metavar="FILE.svg")
    parser.add_argument("--quick", action="store_true", help="tiny: whether it runs at all")
    chosen = parser.parse_args(argv)
    if chosen.shards or chosen.segments or chosen.indexer or (chosen.scaling and not chosen.plot):
        if chosen.scaling:
            scaling(chosen.runs, is_quick=chosen.quick)
        if chosen.indexer:
            from_payloads(chosen.blocks, chosen.runs)
        if chosen.shards:
            sharded(chosen.shards, chosen.blocks, is_quick=chosen.quick)
        if chosen.segments:
            segment_lengths(chosen.segments, chosen.blocks, chosen.runs, is_quick=chosen.quick)
        return 0
    found = main_tables(chosen.runs, chosen.blocks, is_quick=chosen.quick)
    if chosen.plot:
        plot(chosen.plot, found, scaling(chosen.runs, is_quick=chosen.quick))
    return 0


if __name__ == "__main__":
    sys.exit(main())
