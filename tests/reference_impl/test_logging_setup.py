"""The reference's set-up of logging, where the suite `logging-setup` does not look."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Iterator

import pytest

from trueup_reference import logging_setup
from trueup_reference.logging_setup import JsonFormatter, configure, level_number, masked


@pytest.fixture
def name() -> Iterator[str]:
    """A logger of this test's."""
    made = "trueup_reference_tests.logging_setup"
    yield made
    logger = logging.getLogger(made)
    for handler in logger.handlers[:]:
        logger.removeHandler(handler)
    logger.setLevel(logging.NOTSET)
    logger.propagate = True


def test_the_standard_error_is_looked_up_when_a_record_is_written(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    logger = configure("INFO", logger=name)
    with capsys.disabled():
        pass
    logger.info("hello")
    assert capsys.readouterr().err.endswith(f"INFO {name}[{__import__('os').getpid()}] hello\n")


def test_a_later_call_counts(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    logger = configure("ERROR", logger=name)
    logger.info("not written")
    assert configure("debug", logger=name, json=True, propagate=False) is logger
    logger.debug("written", extra={"tokens": 7})
    lines = capsys.readouterr().err.splitlines()
    assert [json.loads(line)["message"] for line in lines] == ["written"]
    assert json.loads(lines[0])["extra"] == {"tokens": 7}
    assert not logger.propagate
    assert len(logger.handlers) == 1


def test_without_a_standard_error_nothing_breaks() -> None:
    code = (
        "import sys; sys.stderr = None\n"
        "from trueup_reference.logging_setup import configure\n"
        "configure().warning('nobody reads this'); print('alive')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "alive\n"


LEVELS: list[tuple[str | int, int]] = [
    ("debug", 10),
    (" WARNING ", 30),
    ("15", 15),
    (25, 25),
    ("warn", 30),
    ("Fatal", 50),
]


@pytest.mark.parametrize(("given", "number"), LEVELS)
def test_levels(given: str | int, number: int) -> None:
    assert level_number(given) == number


def test_levels_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(logging_setup.LEVEL_VARIABLE, raising=False)
    assert level_number(None) == logging.INFO
    monkeypatch.setenv(logging_setup.LEVEL_VARIABLE, "")
    assert level_number(None) == logging.INFO
    monkeypatch.setenv(logging_setup.LEVEL_VARIABLE, "error")
    assert level_number(None) == logging.ERROR
    monkeypatch.setenv(logging_setup.LEVEL_VARIABLE, "loud")
    with pytest.raises(ValueError, match=r"^TRUEUP_LOG_LEVEL='loud' is no level: NOTSET, .*DEBUG, INFO, "):
        level_number(None)


@pytest.mark.parametrize("given", [True, 1.5, b"INFO"])
def test_levels_of_a_wrong_type(given: object) -> None:
    with pytest.raises(TypeError, match="a name or a number is due"):
        level_number(given)  # type: ignore[arg-type]


def test_secrets_are_masked_by_form_and_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENGINE_API_KEY", "correct-horse")
    monkeypatch.setenv("MONKEY", "not-a-secret")
    assert masked("key correct-horse, not-a-secret, hf_abcdefghijklmnop") == "key ***, not-a-secret, ***"
    assert masked("Authorization: Bearer abc.def-ghi") == "Authorization: Bearer ***"
    assert masked("sk-learn is a package; ask hf_hub") == "sk-learn is a package; ask hf_hub"


def test_a_message_that_does_not_fit_its_arguments_is_written() -> None:
    record = logging.makeLogRecord({"msg": "%d of %d", "args": ("one",), "levelname": "INFO", "name": "x"})
    found = json.loads(JsonFormatter().format(record))
    assert found["message"].startswith("'%d of %d' % ('one',) (TypeError: ")


class _Unshown:
    def __repr__(self) -> str:
        raise RuntimeError("no")


def test_an_extra_is_bounded_and_always_written() -> None:
    deep: list[object] = []
    for _ in range(50):
        deep = [deep]
    record = logging.makeLogRecord({"msg": "x", "deep": deep, "many": list(range(10_000)), "broken": _Unshown()})
    found = json.loads(JsonFormatter().format(record))["extra"]
    assert len(found["many"]) == 200
    assert found["broken"] == "<_Unshown: RuntimeError>"
    assert json.dumps(found["deep"]).count("[") < 60


@pytest.mark.parametrize("args", [(_Unshown(),), (10**5000,), ({_Unshown()},)])
def test_a_record_that_has_no_text_is_written_all_the_same(args: tuple[object, ...]) -> None:
    record = logging.LogRecord("n", logging.INFO, "f", 1, "value %s", args, None)
    record.count = 10**5000
    found = json.loads(JsonFormatter().format(record))
    assert found["message"].startswith("'value %s' % <tuple: ")
    assert int(found["extra"]["count"], 16) == 10**5000
