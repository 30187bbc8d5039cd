"""The timeout where none is given: ES-095 to ES-097."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

from trueup_contracts import requirement
from trueup_contracts.errors import Refusal
from trueup_contracts.event_transport.subscriber.calls import Subscriber
from trueup_contracts.event_transport.subscriber.living import NOBODY
from trueup_contracts.subject import Subject


@contextlib.contextmanager
def _variable(subject: Subject, value: str) -> Iterator[str]:
    """The environment variable of the implementation is set; its name."""
    __tracebackhide__ = True
    name = subject.call("timeout_env")
    assert isinstance(name, str), f"default_timeout is claimed, and the factory's timeout_env is {name!r}"
    assert name, "default_timeout is claimed, and the factory's timeout_env is empty"
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield name
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


@requirement("ES-095")
def test_the_default_is_100_ms(trueup_subject: Subject) -> None:
    with Subscriber(trueup_subject, NOBODY, recv_timeout_ms=None) as subscriber:
        subscriber.nothing("without any publisher, and without recv_timeout_ms")


@requirement("ES-096")
def test_the_variable_sets_the_default(trueup_subject: Subject) -> None:
    with (
        _variable(trueup_subject, "250") as name,
        Subscriber(trueup_subject, NOBODY, recv_timeout_ms=None) as subscriber,
    ):
        subscriber.timeout_ms = 250
        subscriber.nothing(f"with {name}=250")
    with _variable(trueup_subject, "60000"), Subscriber(trueup_subject, NOBODY, recv_timeout_ms=20) as subscriber:
        subscriber.nothing(f"with {name}=60000, and recv_timeout_ms of its own")


@requirement("ES-097")
def test_a_variable_that_is_no_time_is_refused(trueup_subject: Subject) -> None:
    for value in ("-1", "soon", "1e3", "nan", "99999999999"):
        with _variable(trueup_subject, value) as name:
            try:
                with Subscriber(trueup_subject, NOBODY, recv_timeout_ms=None):
                    pass
            except Refusal as refusal:
                assert refusal.code == "invalid", f"{name}={value}: refused as {refusal}; invalid is due"
            else:
                raise AssertionError(f"{name}={value} was taken: no such time to wait")
