"""Options and the environment: which of them wins, and what is said of those that cannot be obeyed."""

from __future__ import annotations

from pathlib import Path

import pytest

from trueup_reference.router.options import OptionError, Options, read

NEEDED = ["--config", "g.json", "--model-name", "m", "--discovery", "w.json"]
PLAIN = Options(config=Path("g.json"), model_name="m", discovery="w.json")


@pytest.mark.parametrize(
    ("words", "environment", "expected"),
    [
        ([], {}, {}),
        (["--namespace", "n"], {"DYN_NAMESPACE": "x"}, {"namespace": "n"}),
        ([], {"DYN_NAMESPACE": "x"}, {"namespace": "x"}),
        ([], {"DYN_NAMESPACE": "x", "DYN_GLOBAL_ROUTER_NAMESPACE": "y"}, {"namespace": "y"}),
        ([], {"DYN_NAMESPACE": ""}, {}),
        (["--default-ttft-target", "10"], {}, {"default_ttft_target": 10.0}),
        (["--default-ttft-target-ms", "10"], {}, {"default_ttft_target": 10.0}),
        (["--default-itl-target", "0"], {"DYN_GLOBAL_ROUTER_DEFAULT_ITL_TARGET": "5"}, {"default_itl_target": 0.0}),
        ([], {"DYN_GLOBAL_ROUTER_DEFAULT_ITL_TARGET": "5"}, {"default_itl_target": 5.0}),
        ([], {"DYN_GLOBAL_ROUTER_DEFAULT_TTFT_TARGET_MS": "5.5"}, {"default_ttft_target": 5.5}),
        (["--model-name", "other"], {"DYN_GLOBAL_ROUTER_MODEL_NAME": "x"}, {"model_name": "other"}),
        (["--listen", "0.0.0.0:80"], {}, {"host": "0.0.0.0", "port": 80}),
        (["--listen", "[::1]:0"], {}, {"host": "::1", "port": 0}),
        (["--host", "localhost", "--port", "0"], {}, {"host": "localhost", "port": 0}),
        ([], {"DYN_GLOBAL_ROUTER_PORT": "9"}, {"port": 9}),
        (["--port", "8"], {"DYN_GLOBAL_ROUTER_LISTEN": "h:9"}, {"host": "h", "port": 8}),
        (["--log-level", "debug", "--log-requests", "ALL"], {}, {"log_level": "DEBUG", "log_requests": "all"}),
    ],
)
def test_what_is_obeyed(words: list[str], environment: dict[str, str], expected: dict[str, object]) -> None:
    given = read([*NEEDED, *words], environment)
    assert {name: value for name, value in vars(given).items() if value != getattr(PLAIN, name)} == expected


def test_the_environment_alone_is_enough() -> None:
    names = {"CONFIG": "g.json", "MODEL_NAME": "m", "DISCOVERY": "w.json"}
    assert read([], {f"DYN_GLOBAL_ROUTER_{name}": value for name, value in names.items()}) == PLAIN


@pytest.mark.parametrize(
    ("words", "environment", "told"),
    [
        ([], {}, "--config is missing (or DYN_GLOBAL_ROUTER_CONFIG)"),
        (NEEDED[:2], {}, "--model-name is missing (or DYN_GLOBAL_ROUTER_MODEL_NAME)"),
        (NEEDED[:4], {}, "--discovery is missing (or DYN_GLOBAL_ROUTER_DISCOVERY)"),
        ([*NEEDED, "--port", "x"], {}, "--port is 'x'; 0 to 65535 is due"),
        (NEEDED, {"DYN_GLOBAL_ROUTER_PORT": "65536"}, "DYN_GLOBAL_ROUTER_PORT is '65536'; 0 to 65535 is due"),
        ([*NEEDED, "--listen", "8000"], {}, "--listen is '8000'; HOST:PORT is due"),
        ([*NEEDED, "--listen", "h:1", "--port", "1"], {}, "--listen and --port say the same: one of them is due"),
        (
            [*NEEDED, "--default-ttft-target", "nan"],
            {},
            "--default-ttft-target is 'nan'; a number of milliseconds, 0 or more, is due",
        ),
        (
            NEEDED,
            {"DYN_GLOBAL_ROUTER_DEFAULT_ITL_TARGET_MS": "-1"},
            "DYN_GLOBAL_ROUTER_DEFAULT_ITL_TARGET_MS is '-1'; a number of milliseconds, 0 or more, is due",
        ),
        ([*NEEDED, "--model-name", " "], {}, "--model-name is ' '; a name is due"),
        ([*NEEDED, "--log-requests", "some"], {}, "--log-requests is 'some'; none, failed or all is due"),
        ([*NEEDED, "--tls-cert", "c"], {}, "--tls-cert and --tls-key come together"),
        ([*NEEDED, "--worker-key", "k"], {}, "--worker-cert and --worker-key come together"),
        ([*NEEDED, "--zmq-server-key", "k"], {}, "--zmq-secret-key and --zmq-server-key come together"),
    ],
)
def test_what_cannot_be_obeyed(words: list[str], environment: dict[str, str], told: str) -> None:
    with pytest.raises(OptionError) as caught:
        read(words, environment)
    assert str(caught.value) == told


@pytest.mark.parametrize(
    ("host", "is_local"),
    [
        *[("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True)],
        *[("0.0.0.0", False), ("::", False), ("10.0.0.1", False), ("example.org", False)],
    ],
)
def test_who_can_reach_it(host: str, is_local: bool) -> None:
    assert read([*NEEDED, "--host", host], {}).is_local is is_local
