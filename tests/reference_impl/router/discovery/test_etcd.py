"""Discovery by a real etcd: what it says while it is well counts at once; what it says after an outage is doubted."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator

import pytest

from fix_etcd import EtcdServer
from reference_impl.router.discovery.registering import PATIENT_S, TTL_S, Fleet, run
from reference_impl.router.discovery.watching import entry, ids, until
from trueup_reference.etcd import Event as EtcdEvent
from trueup_reference.etcd import KeyValue, Listed, Watched
from trueup_reference.etcd.messages import Header
from trueup_reference.router.discovery import etcd as etcd_discovery


def test_workers_are_known_from_their_registration_to_their_end(etcd: EtcdServer) -> None:
    async def work(fleet: Fleet) -> None:
        await fleet.register("w1")
        await fleet.discovery.start()
        assert (ids(fleet.discovery), fleet.discovery.problem) == ({"pool": ["w1"]}, None)
        await fleet.register("w2")
        await until(fleet.discovery, lambda: ids(fleet.discovery) == {"pool": ["w1", "w2"]})
        assert fleet.discovery.workers["pool"][1] == entry("w2", url="http://w2")
        await fleet.registrations.pop("w1").close()
        await until(fleet.discovery, lambda: ids(fleet.discovery) == {"pool": ["w2"]})

    run(Fleet(etcd), work)


def test_a_worker_that_dies_goes_with_its_lease_and_one_that_lives_stays(etcd: EtcdServer) -> None:
    async def work(fleet: Fleet) -> None:
        await fleet.register("lives", is_patient=True)
        await fleet.register("dies")
        await fleet.discovery.start()
        await fleet.die("dies")
        began = time.monotonic()
        await until(fleet.discovery, lambda: ids(fleet.discovery) == {"pool": ["lives"]})
        assert time.monotonic() - began > TTL_S / 4, "it went before its lease could end"
        await fleet.remain(PATIENT_S, lambda: ids(fleet.discovery) == {"pool": ["lives"]})

    run(Fleet(etcd), work)


def test_a_key_that_goes_while_etcd_is_well_drops_its_worker_at_once_though_it_answers(etcd: EtcdServer) -> None:
    async def work(fleet: Fleet) -> None:
        await fleet.register("w1", "w2")
        await fleet.discovery.start()
        probes = len(fleet.probed)
        await fleet.client.delete(fleet.key("w1"))
        await until(fleet.discovery, lambda: ids(fleet.discovery) == {"pool": ["w2"]})
        await fleet.client.revoke(await fleet.lease_of("w2"))
        await until(fleet.discovery, lambda: ids(fleet.discovery) == {})
        assert len(fleet.probed) == probes, "a key that goes is no question"

    # A lease that outlasts the test: the workers do not notice that theirs is gone.
    run(Fleet(etcd, ttl_s=60), work)


def test_a_worker_whose_lease_is_lost_registers_anew(etcd: EtcdServer) -> None:
    async def work(fleet: Fleet) -> None:
        await fleet.register("w1")
        await fleet.discovery.start()
        await fleet.client.revoke(await fleet.lease_of("w1"))
        await until(fleet.discovery, lambda: ids(fleet.discovery) == {})
        await until(fleet.discovery, lambda: ids(fleet.discovery) == {"pool": ["w1"]})
        await fleet.registrations["w1"].registered.wait()
        assert fleet.registrations["w1"].registrations == 2

    run(Fleet(etcd), work)


def test_while_etcd_is_away_what_is_known_is_kept_and_told(etcd: EtcdServer) -> None:
    async def work(fleet: Fleet) -> None:
        await fleet.register("w1", "w2")
        await fleet.discovery.start()
        etcd.kill()
        await until(fleet.discovery, lambda: fleet.discovery.problem is not None)
        assert (fleet.discovery.problem or "").startswith(f"etcd: {etcd.url}: ")
        assert (fleet.discovery.problem or "").endswith("; what was known before is kept")
        await fleet.remain(2 * TTL_S, lambda: ids(fleet.discovery) == {"pool": ["w1", "w2"]})
        fleet.gate.clear()
        fleet.probed.clear()
        await etcd.start_beside()
        await until(fleet.discovery, lambda: fleet.discovery.problem is None)
        while len(fleet.probed) < 2:
            await asyncio.sleep(0.001)
        assert ids(fleet.discovery) == {"pool": ["w1", "w2"]}, "they are not given up while they are asked"
        fleet.gate.set()
        await fleet.remain(2 * TTL_S, lambda: ids(fleet.discovery) == {"pool": ["w1", "w2"]})

    # No lease ends here, however slow the machine is.
    run(Fleet(etcd, ttl_s=30), work)


def test_a_silent_etcd_is_an_absent_one(etcd: EtcdServer) -> None:
    """Its connections stand, and nothing comes."""

    async def work(fleet: Fleet) -> None:
        await fleet.register("w1")
        await fleet.discovery.start()
        etcd.pause()
        await until(fleet.discovery, lambda: "no answer in time" in (fleet.discovery.problem or ""))
        assert ids(fleet.discovery) == {"pool": ["w1"]}
        etcd.resume()
        await until(fleet.discovery, lambda: fleet.discovery.problem is None)
        await until(fleet.discovery, lambda: ids(fleet.discovery) == {"pool": ["w1"]})

    run(Fleet(etcd, ttl_s=3, timeout_s=0.5), work)


def test_a_worker_that_died_while_etcd_was_away_is_listed_and_not_used(etcd: EtcdServer) -> None:
    """A restart renews the leases of the dead."""

    async def work(fleet: Fleet) -> None:
        await fleet.register("dies", "lives")
        await fleet.discovery.start()
        etcd.kill()
        await until(fleet.discovery, lambda: fleet.discovery.problem is not None)
        await fleet.die("dies")
        await etcd.start_beside()
        await until(fleet.discovery, lambda: fleet.discovery.problem is None)
        await until(fleet.discovery, lambda: ids(fleet.discovery) == {"pool": ["lives"]})
        assert fleet.key("dies").encode() in {one.key for one in (await fleet.client.list(fleet.settings.prefix)).kvs}

    # Long enough for the list to show the dead one: it is the probe that tells.
    run(Fleet(etcd, ttl_s=30), work)


def test_one_that_did_not_answer_is_used_once_it_does(etcd: EtcdServer) -> None:
    async def work(fleet: Fleet) -> None:
        fleet.dead.add("http://w1")
        await fleet.register("w1", "w2")
        await fleet.discovery.start()
        assert ids(fleet.discovery) == {"pool": ["w2"]}
        fleet.dead.clear()
        await until(fleet.discovery, lambda: ids(fleet.discovery) == {"pool": ["w1", "w2"]})

    run(Fleet(etcd), work)


def test_a_new_store_keeps_workers_that_answer_until_they_have_had_time_to_register(etcd: EtcdServer) -> None:
    async def work(fleet: Fleet) -> None:
        await fleet.register("registers", "answers", "dies")
        for number in range(5):
            await fleet.client.put(f"/other/{number}", b"")
        await fleet.discovery.start()
        before = etcd.revision()
        etcd.kill()
        await until(fleet.discovery, lambda: fleet.discovery.problem is not None)
        await fleet.die("dies")
        await fleet.die("answers")
        fleet.dead.remove("http://answers")
        etcd.lose_data()
        kept_s, died_s = fleet.keeps("answers"), fleet.keeps("dies")
        await etcd.start_beside()
        assert etcd.revision() < before
        await until(fleet.discovery, lambda: kept_s() is not None)
        assert (kept_s() or 0) > TTL_S * 1.2, "a living worker could not have registered yet"
        assert (died_s() or 0) <= (kept_s() or 0)
        await until(fleet.discovery, lambda: ids(fleet.discovery) == {"pool": ["registers"]})
        assert fleet.registrations["registers"].registrations >= 2
        await fleet.register("later")
        await until(fleet.discovery, lambda: ids(fleet.discovery) == {"pool": ["later", "registers"]})

    run(Fleet(etcd), work)


def test_an_outage_takes_nothing_of_the_time_to_register(etcd: EtcdServer) -> None:
    async def work(fleet: Fleet) -> None:
        await fleet.register("w1")
        await fleet.discovery.start()
        etcd.kill()
        await until(fleet.discovery, lambda: fleet.discovery.problem is not None)
        await fleet.die("w1")
        fleet.dead.clear()
        etcd.lose_data()
        await etcd.start_beside()
        await until(fleet.discovery, lambda: fleet.discovery.problem is None)
        etcd.kill()
        await fleet.remain(2 * TTL_S, lambda: ids(fleet.discovery) == {"pool": ["w1"]})
        await etcd.start_beside()
        await until(fleet.discovery, lambda: fleet.discovery.problem is None)
        await until(fleet.discovery, lambda: ids(fleet.discovery) == {})

    run(Fleet(etcd), work)


def test_whoever_registers_is_alive_whatever_a_probe_said(etcd: EtcdServer) -> None:
    async def work(fleet: Fleet) -> None:
        fleet.dead.add("http://w1")
        await fleet.client.put(fleet.key("w1"), entry("w1", url="http://w1").written())
        await fleet.discovery.start()
        assert ids(fleet.discovery) == {}
        await fleet.register("w1")
        await until(fleet.discovery, lambda: ids(fleet.discovery) == {"pool": ["w1"]})

    run(Fleet(etcd, ttl_s=60), work)


def test_a_watch_that_is_late_takes_nothing_back(etcd: EtcdServer) -> None:
    """A list may be ahead of it: what it tells of a revision before is known better."""

    async def late(key: str, revision: int) -> AsyncGenerator[Watched, None]:
        gone = KeyValue(key=key.encode(), mod_revision=revision)
        yield Watched(header=Header(revision), events=(EtcdEvent(type="DELETE", kv=gone),))

    async def work(fleet: Fleet) -> None:
        await fleet.register("w1")
        await fleet.discovery.start()
        revision = etcd.revision()
        await fleet.discovery._changes(late(fleet.key("w1"), revision))
        assert ids(fleet.discovery) == {"pool": ["w1"]}
        await fleet.discovery._changes(late(fleet.key("w1"), revision + 1))
        assert ids(fleet.discovery) == {}

    run(Fleet(etcd, ttl_s=60), work)


def test_a_new_store_whose_revision_is_higher_empties_nothing_either(etcd: EtcdServer) -> None:
    async def work(fleet: Fleet) -> None:
        await fleet.register("w1")
        await fleet.discovery.start()
        before = etcd.revision()
        etcd.kill()
        await until(fleet.discovery, lambda: fleet.discovery.problem is not None)
        # The worker does not reach etcd before the router does.
        await fleet.die("w1")
        fleet.dead.clear()
        etcd.lose_data()
        with etcd.elsewhere():
            await etcd.start_beside()
            for number in range(before + 1):
                etcd.ask("kv/put", key=f"/other/{number}", value="")
            assert etcd.revision() > before
            etcd.kill()
        kept_s = fleet.keeps("w1")
        await etcd.start_beside()
        await until(fleet.discovery, lambda: kept_s() is not None)
        assert (kept_s() or 0) > TTL_S * 1.2

    run(Fleet(etcd), work)


def test_after_a_compaction_it_lists_again(
    etcd: EtcdServer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(etcd_discovery, "FIRST_S", 60.0)  # on a slow machine all of this takes longer
    caplog.set_level("INFO", "trueup_reference.router.discovery")

    async def work(fleet: Fleet) -> None:
        await fleet.register("w1", "w2")
        fleet.gate.clear()
        starting = asyncio.create_task(fleet.discovery.start())
        while len(fleet.probed) < 2:
            await asyncio.sleep(0.001)
        assert ids(fleet.discovery) == {}, "nobody has answered yet"
        # It has listed and does not watch yet: the history in between is lost.
        await fleet.client.delete(fleet.key("w2"))
        await fleet.register("w3")
        etcd.ask("kv/compaction", revision=str(etcd.revision()), physical=True)
        fleet.gate.set()
        await starting
        await until(fleet.discovery, lambda: ids(fleet.discovery) == {"pool": ["w1", "w3"]})
        told = [record.getMessage() for record in caplog.records]
        assert sum(one.startswith("discovery_lists_again the history before revision ") for one in told) == 1
        assert not any(one.startswith("discovery_away") for one in told), "etcd was well"
        await fleet.register("w4")
        await until(fleet.discovery, lambda: ids(fleet.discovery) == {"pool": ["w1", "w3", "w4"]})

    run(Fleet(etcd, ttl_s=60), work)


def test_a_list_that_is_late_takes_nothing_back(etcd: EtcdServer, caplog: pytest.LogCaptureFixture) -> None:
    """While its answer is on the way, the watch may tell of what happened later."""

    async def work(fleet: Fleet) -> None:
        await fleet.register("w1", "w2")
        await fleet.discovery.start()
        client = fleet.discovery._client
        ask = client.list

        async def late(prefix: str) -> Listed:
            listed = await ask(prefix)
            await fleet.client.delete(fleet.key("w2"))
            await until(fleet.discovery, lambda: ids(fleet.discovery) == {"pool": ["w1"]})
            return listed

        client.list = late  # type: ignore[method-assign]
        probes = len(fleet.probed)
        assert not await fleet.discovery._list()
        assert ids(fleet.discovery) == {"pool": ["w1"]}
        client.list = ask  # type: ignore[method-assign]
        assert not await fleet.discovery._list()
        assert ids(fleet.discovery) == {"pool": ["w1"]}
        assert (len(fleet.probed), caplog.records) == (probes, [])

    run(Fleet(etcd, ttl_s=60), work)


def test_a_fault_in_the_watching_is_told_and_it_goes_on(etcd: EtcdServer, caplog: pytest.LogCaptureFixture) -> None:
    async def work(fleet: Fleet) -> None:
        client = fleet.discovery._client
        ask, failures = client.list, [RuntimeError("a fault")]

        async def fails_once(prefix: str) -> Listed:
            if failures:
                raise failures.pop()
            return await ask(prefix)

        client.list = fails_once  # type: ignore[method-assign]
        await fleet.register("w1")
        await fleet.discovery.start()
        assert fleet.discovery.problem == "etcd: RuntimeError: a fault; what was known before is kept"
        await until(fleet.discovery, lambda: ids(fleet.discovery) == {"pool": ["w1"]})
        assert fleet.discovery.problem is None
        assert caplog.records[0].getMessage() == "discovery_failed"

    run(Fleet(etcd, ttl_s=60), work)


def test_an_entry_that_is_none_is_told_and_harms_no_other(etcd: EtcdServer, caplog: pytest.LogCaptureFixture) -> None:
    async def work(fleet: Fleet) -> None:
        await fleet.client.put(fleet.key("bad"), b"{")
        await fleet.client.put(fleet.key("moved"), entry("w9").written())
        await fleet.register("w1")
        await fleet.discovery.start()
        assert (ids(fleet.discovery), fleet.discovery.problem) == ({"pool": ["w1"]}, None)
        told = [record.getMessage() for record in caplog.records]
        assert told == [
            "discovery_entry_refused /trueup/test/workers/pool/bad: Input data was truncated",
            "discovery_entry_refused '/trueup/test/workers/pool/moved': its entry is of 'w9' in 'pool'",
        ]
        await fleet.client.put(fleet.key("bad"), entry("bad").written())
        await until(fleet.discovery, lambda: ids(fleet.discovery) == {"pool": ["bad", "w1"]})
        await fleet.client.put(fleet.key("bad"), json.dumps([1]).encode())
        await until(fleet.discovery, lambda: ids(fleet.discovery) == {"pool": ["w1"]})

    run(Fleet(etcd, ttl_s=60), work)


def test_other_deployments_and_namespaces_with_a_like_name_are_kept_apart(etcd: EtcdServer) -> None:
    async def work(fleet: Fleet) -> None:
        await fleet.client.put("/trueup/test2/workers/pool/w8", entry("w8").written())
        await fleet.client.put("/trueup/test/workers", b"{}")
        await fleet.client.put(fleet.key("w1", "pool2"), entry("w1", "pool2").written())
        await fleet.client.put(fleet.key("w1"), entry("w1").written())
        await fleet.discovery.start()
        assert ids(fleet.discovery) == {"pool": ["w1"], "pool2": ["w1"]}

    run(Fleet(etcd), work)


def test_a_start_without_etcd_waits_for_it(etcd: EtcdServer) -> None:
    async def work(fleet: Fleet) -> None:
        etcd.kill()
        await fleet.discovery.start()
        assert "etcd: " in (fleet.discovery.problem or "")
        await etcd.start_beside()
        await fleet.register("w1")
        await until(fleet.discovery, lambda: ids(fleet.discovery) == {"pool": ["w1"]})
        assert fleet.discovery.problem is None

    run(Fleet(etcd), work)
