"""What workers are asked: RS-018, RS-019 and RS-028 to RS-033."""

from __future__ import annotations

import re
import time
from typing import Any

from trueup_contracts import requirement
from trueup_contracts.router import model
from trueup_contracts.router_service import formats, grids, protocol
from trueup_contracts.router_service.fleet import fleet
from trueup_contracts.router_service.steps import Error, Finish, Gate, Hold, Transfer, complete
from trueup_contracts.subject import Subject

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"
_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
DEADLINE_MS = 30_000
HELD_S = 0.3  # what prefill takes of it
SPREAD, SPREAD_REQUESTS, LEAST = 3, 24, 2  # workers, and what each has: chance alone leaves one with 1 in 1,400 runs


@requirement("RS-018")
def test_the_trace_is_passed_on(trueup_subject: Subject) -> None:
    with fleet(trueup_subject, grids.plain(trueup_subject)) as served:
        headers = {"traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": "congo=t61rcWkgMzE"}
        request = served.request()
        served.router.generate(request, headers).finished()
        for asked in served.asked(request["request_id"]):
            found = _TRACEPARENT.fullmatch(asked.headers.get("traceparent", ""))
            told = f"the {asked.phase} worker got the header traceparent {asked.headers.get('traceparent')!r}"
            assert found is not None, f"{told}, which is none"
            assert found[1] == TRACE, f"{told}; the client's trace is {TRACE}"
            assert int(found[3], 16) & 1, f"{told}: the client's trace is sampled"


@requirement("RS-019")
def test_one_clients_trace_is_not_anothers(trueup_subject: Subject) -> None:
    with fleet(trueup_subject, grids.plain(trueup_subject)) as served:
        served.generate({"traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": "congo=t61rcWkgMzE"}).finished()
        request = served.request()
        served.router.generate(request).finished()
        for asked in served.asked(request["request_id"]):
            given = asked.headers.get("traceparent", "")
            assert TRACE not in given, f"a request without a trace has the one of the request before: {given!r}"
            assert "congo" not in asked.headers.get("tracestate", ""), "it has the tracestate of the request before"


@requirement("RS-028")
def test_workers_are_asked_in_their_form(trueup_subject: Subject) -> None:
    with fleet(trueup_subject, grids.plain(trueup_subject)) as served:
        full = {"targets": {"ttft_ms": 200, "itl_ms": 20}, "priority": 3, "deadline_ms": DEADLINE_MS}
        for changes in ({}, full, {"request_id": None}):
            served.generate(**changes).finished()
        due = 3 * len(served.grid.phases)
        assert len(served.asked()) == due, f"of three requests workers were asked {len(served.asked())} times"
        for asked in served.asked():
            formats.check("worker_request", asked.body, f"what {asked.worker_id} was asked")
            kind = asked.headers.get("content-type", "")
            assert kind.partition(";")[0].strip() == "application/json", f"{asked.worker_id} got the type {kind!r}"


@requirement("RS-029")
def test_workers_are_asked_what_the_client_asked(trueup_subject: Subject) -> None:
    prompt = [1, 0, 128_000, 2_147_483_647, *range(2_000)]
    with fleet(trueup_subject, grids.plain(trueup_subject)) as served:
        request = served.request(token_ids=prompt, max_tokens=2)
        served.router.generate(request).finished()
        for asked in served.asked(request["request_id"]):
            assert asked.body.get("token_ids") == prompt, f"the {asked.phase} worker got another prompt"
            assert asked.body.get("max_tokens") == 2, f"the {asked.phase} worker got another max_tokens"
            assert asked.attempt == 0, f"the {asked.phase} worker was first asked as attempt {asked.attempt}"
        phases = [asked.phase for asked in served.asked(request["request_id"])]
        assert phases == list(served.grid.phases), f"phases that were asked, in order: {phases}"


@requirement("RS-030")
def test_prefills_transfer_goes_to_decode(trueup_subject: Subject) -> None:
    """Decode is asked when the transfer is there, with the transfer as it is; the client gets none of it."""
    transfer = {"blocks": ["18446744073709551615", {"a": [1, 2.5, None, True]}], "host": "héllo", "": {}}
    with fleet(trueup_subject, grids.Grid(model.disagg())) as served:
        gate = Gate()
        served.first[0].script(Hold(gate), Transfer(transfer), Finish("prefill"))
        request = served.request()
        stream = served.router.generate(request)
        served.until_reached(gate)
        assert not served.asked(phase="decode"), "decode was asked before prefill had answered"
        gate.open()
        events = stream.finished()
        [decode] = served.asked(request["request_id"], "decode")
        assert decode.body.get("transfer") == transfer, f"decode got the transfer {decode.body.get('transfer')}"
        [prefill] = served.asked(request["request_id"], "prefill")
        assert prefill.body.get("transfer") is None, f"prefill got the transfer {prefill.body.get('transfer')}"
        assert "transfer" not in [event.name for event in events], "the client got the event transfer"
        assert [event.name for event in events].count("finish") == 1, "the client got prefill's finish too"


@requirement("RS-031")
def test_a_request_has_one_router_and_two_routers_have_no_id_in_common(trueup_subject: Subject) -> None:
    """Of one client's id, retried at two replicas: the pieces of work are not the same.

    A router of several processes may have an id for each: a request is served by one of them.
    """
    with fleet(trueup_subject, grids.plain(trueup_subject)) as served:
        request = served.request()
        names = []
        for router in (served.router, served.second_router()):
            before = len(served.asked(request["request_id"]))
            router.generate(request).finished()
            asked = served.asked(request["request_id"])[before:]
            names.append({one.body.get("router_id") for one in asked})
            assert len(names[-1]) == 1, f"in one request a router called itself {names[-1]}"
        assert names[0] != names[1], f"two routers called themselves {names[0]}"


@requirement("RS-032")
def test_the_deadline_is_lowered_by_what_was_used(trueup_subject: Subject) -> None:
    with fleet(trueup_subject, grids.plain(trueup_subject)) as served:
        gate = Gate()
        if not served.grid.is_agg:
            served.first[0].script_by(lambda asked: [Hold(gate), *complete(asked)])
        request = served.request(deadline_ms=DEADLINE_MS)
        sent_s = time.monotonic()
        stream = served.router.generate(request)
        if not served.grid.is_agg:
            served.until_reached(gate)
            time.sleep(HELD_S)  # time that prefill takes: it is what the deadline is lowered by
            gate.open()
        stream.finished()
        for asked in served.asked(request["request_id"]):
            left_ms = asked.body.get("deadline_ms")
            used_ms = (asked.at_s - sent_s) * 1_000
            told = f"the {asked.phase} worker, asked {used_ms:.0f} ms after the client, got the deadline {left_ms} ms"
            assert isinstance(left_ms, int | float), told
            assert left_ms <= DEADLINE_MS + protocol.CLOCK_MS, f"{told}; the client has given {DEADLINE_MS} ms"
            if asked.phase == "decode":
                most_ms = DEADLINE_MS - HELD_S * 1_000 + 2 * protocol.CLOCK_MS
                assert left_ms <= most_ms, f"{told}; {most_ms:.0f} ms at most were left, since prefill has taken time"
            least_ms = DEADLINE_MS - used_ms - served.budgets.margin_s * 1_000
            assert left_ms >= least_ms, f"{told}; {least_ms:.0f} ms at least were left"


@requirement("RS-033")
def test_targets_and_priority_reach_the_worker(trueup_subject: Subject) -> None:
    """Wherever the client has written them."""
    published = {"ttft_target": 321, "itl_target": 12.5}
    forms: list[dict[str, Any]] = [
        {"targets": {"ttft_ms": 321, "itl_ms": 12.5}, "priority": 4},
        {"router": published, "routing": {"priority": 4}},
        {"extra_args": published, "priority": 4},
    ]
    with fleet(trueup_subject, grids.plain(trueup_subject)) as served:
        for fields in forms:
            request = served.request(**fields)
            served.router.generate(request).finished()
            for asked in served.asked(request["request_id"]):
                assert asked.body.get("targets") == {"ttft_ms": 321, "itl_ms": 12.5}, (
                    f"{fields}: the {asked.phase} worker got targets {asked.body.get('targets')}"
                )
                assert asked.body.get("priority") == 4, (
                    f"{fields}: the {asked.phase} worker got the priority {asked.body.get('priority')}"
                )


@requirement("RS-034")
def test_requests_are_spread_over_a_pools_workers(trueup_subject: Subject) -> None:
    """Each is held, and has a prompt of its own. By the fewest under way, in turn or at random: none is idle."""
    grid = grids.plain(trueup_subject)
    with fleet(trueup_subject, grid, workers={grid.first[0]: SPREAD}) as served:
        gate = Gate()
        for worker in served.first:
            worker.script_by(lambda asked: [Hold(gate), Error()])
        for number in range(1, SPREAD_REQUESTS + 1):
            served.generate(token_ids=[1_000 * number + place for place in range(4)])
            served.until_asked(*served.first, count=number)
        counts = [len(worker.asked) for worker in served.first]
        assert min(counts) >= LEAST, (
            f"of {SPREAD_REQUESTS} requests that are held {SPREAD} workers have {counts}; {LEAST} each are due at least"
        )
        gate.open()
