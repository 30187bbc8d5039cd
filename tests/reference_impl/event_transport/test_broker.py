"""Brokers: one, several, encrypted; and the command that makes keys and runs one."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import zmq

from trueup_reference.event_transport import (
    Broker,
    Publisher,
    ReplayClient,
    SettingError,
    Subscriber,
    parse_broker_url,
    read_key,
    write_keys,
)
from trueup_reference.event_transport.errors import ClosedError, IncompleteError

ANY_PORT = "tcp://127.0.0.1:0"
LONG_MS = 10_000
COMMAND = [sys.executable, "-m", "trueup_reference.event_transport"]


def test_two_brokers_bring_each_message_once() -> None:
    with Broker(ANY_PORT, ANY_PORT) as left, Broker(ANY_PORT, ANY_PORT, name="right") as right:
        url = parse_broker_url(
            f"xsub={left.xsub_endpoint};{right.xsub_endpoint} , xpub={left.xpub_endpoint};{right.xpub_endpoint}"
        )
        with (
            Publisher(url.xsub, "kv", "B", broker=True) as publisher,
            Subscriber(url.xpub, "kv", LONG_MS, "B") as subscriber,
        ):
            assert publisher.wait_for_subscribers(timeout_ms=LONG_MS)
            for number in range(100):
                publisher.publish(str(number).encode())
            messages = [subscriber.recv() for _ in range(100)]
            assert sorted(one.sequence for one in messages if one) == list(range(100))
            assert {one.publisher_id for one in messages if one} == {publisher.publisher_id}
            with Subscriber(url.xpub, "kv", 300, "B") as quiet:
                assert quiet.recv() is None
            with pytest.raises(SettingError, match="a broker tells of the first subscriber only"):
                publisher.wait_for_subscribers(2)
        assert left.numbers()["messages"] >= 100


def test_a_broker_ends_once() -> None:
    broker = Broker(ANY_PORT, ANY_PORT)
    broker.close()
    broker.close()
    with pytest.raises(ClosedError):
        broker.numbers()


@pytest.mark.parametrize(
    "text", ["", "tcp://a:1", "xsub=tcp://a:1", "xsub=tcp://a:1 , xpub=", "xsub=tcp://a:1;tcp://b:1 , xpub=tcp://a:2"]
)
def test_what_is_no_broker_url_is_refused(text: str) -> None:
    with pytest.raises(SettingError):
        parse_broker_url(text)


def test_an_endpoint_that_is_taken_leaves_nothing() -> None:
    before = threading.active_count()
    with Broker(ANY_PORT, ANY_PORT) as broker, pytest.raises(zmq.ZMQError, match="in use"):
        Broker(ANY_PORT, broker.xpub_endpoint)
    assert threading.active_count() == before


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not zmq.has("curve"):
        pytest.skip("this libzmq is built without CURVE")
    folder = tmp_path_factory.mktemp("keys")
    for name in ("engine", "router", "stranger"):
        write_keys(folder, name)
    return folder


def secret(keys: Path, name: str) -> str:
    return read_key(keys / f"{name}.key_secret", is_secret=True)


def public(keys: Path, name: str) -> str:
    return read_key(keys / f"{name}.key", is_secret=False)


def test_a_stranger_gets_neither_messages_nor_replays(keys: Path) -> None:
    with Publisher(
        ANY_PORT,
        "kv",
        replay_endpoint=ANY_PORT,
        server_secret_key=secret(keys, "engine"),
        allowed_client_keys=[public(keys, "router")],
    ) as publisher:
        engine, replay = public(keys, "engine"), str(publisher.replay_endpoint)
        with (
            Subscriber(
                publisher.endpoint, "kv", 100, server_key=engine, client_secret_key=secret(keys, "stranger")
            ) as stranger,
            Subscriber(publisher.endpoint, "kv", 100) as plain,
            Subscriber(
                publisher.endpoint,
                "kv",
                LONG_MS,
                server_key=engine,
                client_secret_key=secret(keys, "router"),
                replay_endpoints=[replay],
                replay_from=0,
            ) as router,
        ):
            assert publisher.wait_for_subscribers(timeout_ms=LONG_MS)
            publisher.publish(b"x")
            message = router.recv()
            assert message is not None
            assert message.payload == b"x"
            while publisher.stats()["refused_peers"] == 0:
                assert stranger.recv() is None
            assert (stranger.recv(), plain.recv(), publisher.subscribers) == (None, None, 1)
        with ReplayClient(server_key=engine, client_secret_key=secret(keys, "router")) as client:
            assert client.replay(replay, 0, LONG_MS) == [(0, "kv", b"x")]
        with ReplayClient() as client, pytest.raises(IncompleteError):
            client.replay(replay, 0, 200)


def test_a_broker_with_keys_lets_in_those_on_its_list(keys: Path) -> None:
    allowed = [public(keys, "engine"), public(keys, "router")]
    server = public(keys, "stranger")
    with (
        Broker(ANY_PORT, ANY_PORT, server_secret_key=secret(keys, "stranger"), allowed_client_keys=allowed) as broker,
        Publisher(
            broker.xsub_endpoint, "kv", broker=True, server_key=server, client_secret_key=secret(keys, "engine")
        ) as publisher,
        Subscriber(
            broker.xpub_endpoint, "kv", LONG_MS, server_key=server, client_secret_key=secret(keys, "router")
        ) as subscriber,
        Subscriber(broker.xpub_endpoint, "kv", 100) as plain,
    ):
        assert publisher.wait_for_subscribers(timeout_ms=LONG_MS)
        publisher.publish(b"x")
        message = subscriber.recv()
        assert message is not None
        assert message.payload == b"x"
        assert plain.recv() is None


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, check=False, timeout=60)


def test_the_command_writes_keys_that_only_the_owner_can_read(tmp_path: Path) -> None:
    done = run("keys", str(tmp_path / "new"), "engine", "router")
    assert (done.returncode, done.stderr) == (0, "")
    files = sorted(path.name for path in (tmp_path / "new").iterdir())
    assert files == ["engine.key", "engine.key_secret", "router.key", "router.key_secret"]
    assert (tmp_path / "new/engine.key_secret").stat().st_mode & 0o777 == 0o600
    known = read_key(tmp_path / "new/engine.key", is_secret=False)
    assert f"engine.key (public: {known})" in done.stdout
    assert read_key(tmp_path / "new/engine.key_secret", is_secret=True) not in done.stdout
    again = run("keys", str(tmp_path / "new"), "engine")
    assert (again.returncode, again.stdout) == (2, "")
    assert again.stderr.endswith("engine.key is there already\n")
    with pytest.raises(SettingError, match="has no secret key"):
        read_key(tmp_path / "new/engine.key", is_secret=True)
    for name in ("../up", ".hidden", ""):
        with pytest.raises(SettingError):
            write_keys(tmp_path, name)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_runs_a_broker_until_it_is_interrupted(number: signal.Signals) -> None:
    with subprocess.Popen(
        [*COMMAND, "broker", "--xsub", ANY_PORT, "--xpub", ANY_PORT], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            url = parse_broker_url(process.stdout.readline())
            with (
                Publisher(url.xsub, "kv", broker=True) as publisher,
                Subscriber(url.xpub, "kv", LONG_MS) as subscriber,
            ):
                assert publisher.wait_for_subscribers(timeout_ms=LONG_MS)
                publisher.publish(b"x")
                assert subscriber.recv() is not None
            process.send_signal(number)
            assert process.wait(20) == 0
        finally:
            process.kill()


def test_the_command_says_what_cannot_be() -> None:
    done = run("broker", "--xsub", "here", "--xpub", ANY_PORT)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "python -m trueup_reference.event_transport broker: 'here' is no endpoint: "
        "write it as tcp://HOST:PORT, ipc://PATH or inproc://NAME\n"
    )
