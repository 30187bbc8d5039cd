"""The client against a real etcd: a cluster that loses a member, users, TLS, and what is no etcd at all."""

from __future__ import annotations

import asyncio
import socket
import tempfile
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from fix_etcd import BINARY, MEMORY, EtcdServer, served
from reference_impl.etcd.certificates import Authority
from trueup_reference.etcd import EtcdAwayError, EtcdClient, EtcdError, EtcdSettings, Registration

Work = Callable[[EtcdClient], Awaitable[None]]


def used(settings: EtcdSettings, work: Work) -> None:
    async def main() -> None:
        client = EtcdClient(settings)
        try:
            async with asyncio.timeout(60):
                await work(client)
        finally:
            await client.close()

    asyncio.run(main())


def settings(*servers: EtcdServer, **more: object) -> EtcdSettings:
    endpoints = tuple(one.url for one in servers)
    given: dict[str, Any] = {"ttl_s": 1, "timeout_s": 20.0, **more}
    return EtcdSettings(endpoints=endpoints, deployment="test", **given)


def test_keys_of_a_prefix_are_listed_at_one_revision(etcd: EtcdServer) -> None:
    async def work(client: EtcdClient) -> None:
        await client.put("/a/2", b"\x00\xff")
        await client.put("/a/1", b"one")
        await client.put("/a", b"not below")
        await client.put("/a0", b"not below")
        revision, found = await client.list("/a/")
        assert [(one.key, one.value) for one in found] == [(b"/a/1", b"one"), (b"/a/2", b"\x00\xff")]
        assert revision == etcd.revision()

    used(settings(etcd), work)


def test_changes_come_in_order_from_the_revision_that_was_asked_for(etcd: EtcdServer) -> None:
    async def work(client: EtcdClient) -> None:
        start = (await client.list("/a/")).revision + 1
        await client.put("/a/1", b"x")
        await client.delete("/a/1")
        await client.put("/b/1", b"x")
        found: list[tuple[str, bytes]] = []
        async with aclosing(client.watch("/a/", start)) as watched:
            async for message in watched:
                found += [(event.type, event.kv.key) for event in message.events]
                if len(found) == 3:
                    break
                if len(found) == 2:
                    await client.put("/a/2", bytes(100_000))
        assert found == [("PUT", b"/a/1"), ("DELETE", b"/a/1"), ("PUT", b"/a/2")]

    used(settings(etcd), work)


def test_a_lease_ends_its_key_and_says_when_it_is_gone(etcd: EtcdServer) -> None:
    async def work(client: EtcdClient) -> None:
        lease = await client.grant(1)
        await client.put("/a/1", b"x", lease)
        assert await client.keep_alive(lease) == 1
        await client.revoke(lease)
        assert (await client.list("/a/")).kvs == ()
        assert await client.keep_alive(lease) == 0
        with pytest.raises(EtcdError, match="requested lease not found") as caught:
            await client.put("/a/1", b"x", lease)
        assert caught.value.code == 5

    used(settings(etcd), work)


def test_a_registration_takes_its_key_back(etcd: EtcdServer) -> None:
    async def work(client: EtcdClient) -> None:
        registration = Registration(client, "/a/1", b"x")
        registration.start()
        await registration.registered.wait()
        assert len((await client.list("/a/")).kvs) == 1
        await registration.close()
        await registration.close()
        assert (await client.list("/a/")).kvs == ()

    used(settings(etcd), work)


def test_a_registration_outlives_a_new_store(etcd: EtcdServer) -> None:
    async def work(client: EtcdClient) -> None:
        registration = Registration(client, "/a/1", b"x")
        registration.start()
        await registration.registered.wait()
        etcd.kill()
        etcd.lose_data()
        await etcd.start_beside()
        while registration.registrations < 2:
            await asyncio.sleep(0.01)
        assert [one.value for one in (await client.list("/a/")).kvs] == [b"x"]
        await registration.close()

    used(settings(etcd), work)


def test_a_registration_whose_key_did_not_arrive_writes_it_again(etcd: EtcdServer) -> None:
    """The lease is there, and etcd is away before the key is."""

    async def work(client: EtcdClient) -> None:
        put, failures = client.put, [EtcdAwayError("no answer in time"), EtcdError("requested lease not found", 5)]

        async def fails_at_first(key: str, value: bytes, lease: int = 0) -> None:
            if failures:
                raise failures.pop(0)
            await put(key, value, lease)

        client.put = fails_at_first  # type: ignore[method-assign]
        registration = Registration(client, "/a/1", b"x")
        registration.start()
        await registration.registered.wait()
        assert [one.value for one in (await client.list("/a/")).kvs] == [b"x"]
        await registration.close()

    used(settings(etcd), work)


@pytest.fixture
def cluster() -> Iterator[list[EtcdServer]]:
    """Three members; a slower election, since they share a machine."""
    if BINARY is None:
        pytest.skip("etcd is not installed")
    with tempfile.TemporaryDirectory(prefix="trueup-etcd-", dir=MEMORY) as folder:
        members = [EtcdServer(Path(folder) / name, *SLOWER, name=name) for name in ("one", "two", "three")]
        peers = {member.name: member.peer_url for member in members}
        try:
            for member in members:
                member.peers = peers
                member.launch()
            for member in members:
                member.wait()
            yield members
        finally:
            for member in members:
                member.close()


SLOWER = ["--heartbeat-interval", "50", "--election-timeout", "500"]


def test_a_cluster_that_loses_a_member_is_asked_elsewhere(cluster: list[EtcdServer]) -> None:
    async def work(client: EtcdClient) -> None:
        await client.put("/a/1", b"x")
        assert client.endpoint == cluster[0].url
        cluster[0].kill()
        while True:
            try:
                assert [one.key for one in (await client.list("/a/")).kvs] == [b"/a/1"]
                break
            except EtcdAwayError:  # while the others elect a leader
                await asyncio.sleep(0.02)
        assert client.endpoint in (cluster[1].url, cluster[2].url)
        # One of three is no majority: it must not say what it once knew.
        (cluster[1] if client.endpoint == cluster[2].url else cluster[2]).kill()
        with pytest.raises(EtcdAwayError):
            await client.list("/a/")

    used(settings(*cluster, timeout_s=4), work)


def test_a_watch_ends_where_its_member_has_no_leader(cluster: list[EtcdServer]) -> None:
    async def work(client: EtcdClient) -> None:
        async with aclosing(client.watch("/a/", 1)) as watched:
            await anext(watched)
            cluster[1].kill()
            cluster[2].kill()
            with pytest.raises(EtcdAwayError, match="the watch has ended"):
                await anext(watched)

    used(settings(*cluster, timeout_s=5), work)


def test_users_and_their_tokens(etcd: EtcdServer) -> None:
    for path, asked in (
        ("auth/user/add", {"name": "root", "password": "r"}),
        ("auth/user/grant", {"user": "root", "role": "root"}),
        ("auth/user/add", {"name": "router", "password": "p"}),
        ("auth/role/add", {"name": "reads"}),
        ("auth/user/grant", {"user": "router", "role": "reads"}),
    ):
        etcd.ask(path, **asked)
    span = {"key": "L3RydWV1cC90ZXN0L3dvcmtlcnMv", "range_end": "L3RydWV1cC90ZXN0L3dvcmtlcnMw"}
    etcd.ask("auth/role/grant", name="reads", perm={"permType": "READ", **span})
    etcd.ask("auth/enable")

    async def reads(client: EtcdClient) -> None:
        assert (await client.list(client.settings.prefix)).kvs == ()
        with pytest.raises(EtcdError, match="permission denied"):
            await client.put(client.settings.prefix + "x", b"")
        # etcd forgets its tokens with a restart.
        etcd.kill()
        await etcd.start_beside()
        assert (await client.list(client.settings.prefix)).kvs == ()
        async with aclosing(client.watch(client.settings.prefix, 1)) as watched:
            assert (await anext(watched)).created

    async def is_refused(client: EtcdClient) -> None:
        with pytest.raises(EtcdError, match="authentication failed") as caught:
            await client.list(client.settings.prefix)
        assert "wrong" not in str(caught.value)

    async def is_nobody(client: EtcdClient) -> None:
        with pytest.raises(EtcdError, match="user name is empty"):
            await client.list(client.settings.prefix)

    used(settings(etcd, user="router", password="p"), reads)
    used(settings(etcd, user="router", password="wrong"), is_refused)
    used(settings(etcd), is_nobody)


def test_tls_both_ways(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    cert, key = authority.issue("etcd")
    own, own_key = authority.issue("router")
    options = ["--cert-file", str(cert), "--key-file", str(key), "--trusted-ca-file", str(authority.ca)]
    for server in served(*options, "--client-cert-auth", scheme="https"):

        async def lists(client: EtcdClient) -> None:
            while True:
                try:
                    assert (await client.list("/a/")).kvs == ()
                    break
                except EtcdAwayError:  # its port is there before it is
                    await asyncio.sleep(0.05)

        async def is_refused(client: EtcdClient) -> None:
            with pytest.raises(EtcdAwayError, match=r"(?i)certificate"):
                await client.list("/a/")

        used(settings(server, ca=authority.ca, cert=own, key=own_key), lists)
        used(settings(server), is_refused)
        used(settings(server, ca=authority.ca), is_refused)


@pytest.mark.parametrize("answer", [b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", b"\x00\x01\x02", b""])
def test_what_is_no_etcd_is_told_as_an_etcd_that_is_away(answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answers() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer)

        thread = threading.Thread(target=answers)
        thread.start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"

        async def work(client: EtcdClient) -> None:
            with pytest.raises(EtcdAwayError, match=url):
                await client.list("/a/")

        used(EtcdSettings(endpoints=(url,), deployment="test"), work)
        thread.join()


def test_nobody_listens() -> None:
    async def work(client: EtcdClient) -> None:
        with pytest.raises(EtcdAwayError, match=r"http://127\.0\.0\.1:9: Connection refused; http://127\.0\.0\.1:10: "):
            await client.list("/a/")

    endpoints = ("http://127.0.0.1:9", "http://127.0.0.1:10")
    used(EtcdSettings(endpoints=endpoints, deployment="test"), work)
