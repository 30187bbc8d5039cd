"""Where it listens: on every address of the host that it is told, on one port, and nowhere else."""

from __future__ import annotations

import socket

import pytest

from trueup_reference.router.serving import bind, url_of


def addresses(host: str, port: int = 0) -> list[tuple[str, int]]:
    made = bind(host, port)
    try:
        return [each.getsockname()[:2] for each in made]
    finally:
        for each in made:
            each.close()


def test_one_address() -> None:
    [(host, port)] = addresses("127.0.0.1")
    assert host == "127.0.0.1"
    assert addresses("127.0.0.1", port) == [(host, port)]


def test_every_address_of_a_name_on_one_port() -> None:
    found = addresses("localhost")
    assert {host for host, _ in found} <= {"127.0.0.1", "::1"}
    assert "127.0.0.1" in {host for host, _ in found}
    assert len({port for _, port in found}) == 1


@pytest.mark.parametrize(("host", "told"), [("203.0.113.1", r"203\.0\.113\.1:0: "), ("no.such.invalid", "no.such.inv")])
def test_what_cannot_be_had(host: str, told: str) -> None:
    with pytest.raises(OSError, match=f"^cannot listen on {told}"):
        bind(host, 0)


def test_a_port_that_is_taken_on_one_address() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=f"^cannot listen on localhost:{port}: Address already in use"):
            bind("localhost", port)


def test_a_url() -> None:
    [made] = bind("127.0.0.1", 0)
    with made:
        port = made.getsockname()[1]
        assert url_of(made, with_tls=False) == f"http://127.0.0.1:{port}"
        assert url_of(made, with_tls=True) == f"https://127.0.0.1:{port}"
