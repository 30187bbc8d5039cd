"""Settings: what is left out has a default, what is wrong is named."""

from __future__ import annotations

import msgspec
import pytest

from trueup_reference.router.service import InvalidSettings, ServiceSettings, read


def test_everything_may_be_left_out() -> None:
    assert read(b"{}") == ServiceSettings()
    assert read(b'{"version": 1, "retry": {}}') == ServiceSettings()
    assert read(b'{"timeouts_ms": {"connect": 5}}').timeouts_ms.connect == 5
    assert read(b'{"timeouts_ms": {"connect": 5}}').timeouts_ms.total == ServiceSettings().timeouts_ms.total


def test_what_is_written_is_read_again() -> None:
    assert read(msgspec.json.encode(ServiceSettings())) == ServiceSettings()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "Input data was truncated"),
        (b"{", "Input data was truncated"),
        (b"[" * 100_000, "Expected `object`, got `array`"),
        (b"\xff", "malformed"),
        (b"[]", "Expected `object`, got `array`"),
        (b'{"version": 2}', "Invalid enum value 2 - at `$.version`"),
        (
            b'{"timeouts_ms": {"conect": 1}}',
            "Object contains unknown field `conect` - at `$.timeouts_ms`: did you mean 'connect'?",
        ),
        (b'{"drain": 1}', "unknown field `drain`: did you mean 'drain_ms'?"),
        (b'{"timeouts_ms": {"connect": 0}}', "Expected `float` > 0.0 - at `$.timeouts_ms.connect`"),
        (b'{"timeouts_ms": {"connect": "1"}}', "Expected `float`, got `str` - at `$.timeouts_ms.connect`"),
        (b'{"timeouts_ms": {"connect": NaN}}', "malformed"),
        (b'{"timeouts_ms": {"connect": 1e300}}', "Expected `float` <= 86400000.0"),
        (b'{"retry": {"same_pool_attempts": 0}}', "Expected `int` >= 1 - at `$.retry.same_pool_attempts`"),
        (b'{"retry": {"same_pool_attempts": true}}', "Expected `int`, got `bool`"),
        (b'{"admission": {"max_queued": -1}}', "Expected `int` >= 0 - at `$.admission.max_queued`"),
        (b'{"admission": {"max_in_flight": 0}}', "Expected `int` >= 1 - at `$.admission.max_in_flight`"),
        (b'{"pool_wait_ms": -1}', "Expected `float` >= 0.0 - at `$.pool_wait_ms`"),
        (b'{"ejection": {"failures": 1.5}}', "Expected `int`, got `float` - at `$.ejection.failures`"),
    ],
)
def test_what_is_wrong_is_named(text: bytes, message: str) -> None:
    with pytest.raises(InvalidSettings) as refused:
        read(text)
    assert message in str(refused.value)
