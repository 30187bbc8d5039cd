"""The registry bridge: what is passed on, under what names, in which format."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.core import GaugeMetricFamily, Metric

from trueup_reference.metrics_bridge import MetricsBridge, MockEngine, Prefixes, TextSource, serving
from trueup_reference.metrics_bridge.escaping import escaped
from trueup_reference.metrics_bridge.negotiation import choose

OPENMETRICS = "application/openmetrics-text"


def registry() -> CollectorRegistry:
    made = CollectorRegistry()
    Counter("sglang:requests", "Requests.", ["model"], registry=made).labels("m").inc(3)
    Gauge("process_threads", "Threads.", registry=made).set(4)
    return made


def lines(bridge: MetricsBridge, accept: str | None = None) -> list[str]:
    answer = bridge.scrape(accept)
    assert answer.status == 200
    return [line for line in answer.body.decode().splitlines() if "_created" not in line]


def test_a_page_of_each_format() -> None:
    bridge = MetricsBridge(registry(), Prefixes(keep=("sglang:",)))
    assert lines(bridge) == [
        "# HELP sglang:requests_total Requests.",
        "# TYPE sglang:requests_total counter",
        'sglang:requests_total{model="m"} 3.0',
    ]
    for escaping in ("", ";escaping=underscores", ";escaping=allow-utf-8", ";escaping=values", ";escaping=dots"):
        assert lines(bridge, f"{OPENMETRICS};version=1.0.0{escaping}") == [
            "# HELP sglang:requests Requests.",
            "# TYPE sglang:requests counter",
            'sglang:requests_total{model="m"} 3.0',
            "# EOF",
        ]


def test_names_that_need_escaping() -> None:
    class Source:
        def collect(self) -> Iterator[Metric]:
            family = GaugeMetricFamily("http.in_flight", "In flight.", labels=["zone.id"])
            family.add_metric(["a"], 1.0)
            yield family

    bridge = MetricsBridge(Source())
    due = {
        "underscores": 'http_in_flight{zone_id="a"} 1.0',
        "dots": 'http_dot_in__flight{zone_dot_id="a"} 1.0',
        "values": 'U__http_2e_in__flight{U__zone_2e_id="a"} 1.0',
        "allow-utf-8": '{"http.in_flight","zone.id"="a"} 1.0',
    }
    for scheme, line in due.items():
        assert lines(bridge, f"{OPENMETRICS};version=1.0.0;escaping={scheme}")[2] == line
        assert lines(bridge, f"text/plain;version=1.0.0;escaping={scheme}")[2] == line
    # The oldest format has no quotes for names, whatever was asked for.
    assert lines(bridge, "text/plain;version=0.0.4;escaping=allow-utf-8")[2] == due["underscores"]


# By the tables of https://prometheus.io/docs/instrumenting/escaping_schemes/.
@pytest.mark.parametrize(
    ("name", "underscores", "dots", "values"),
    [
        ("mysystem.prod.west.cpu.load", "mysystem_prod_west_cpu_load", "mysystem_dot_prod_dot_west_dot_cpu_dot_load",
         "U__mysystem_2e_prod_2e_west_2e_cpu_2e_load"),
        ("mysystem.prod.west.cpu.load_total", "mysystem_prod_west_cpu_load_total",
         "mysystem_dot_prod_dot_west_dot_cpu_dot_load__total", "U__mysystem_2e_prod_2e_west_2e_cpu_2e_load__total"),
        ("http.status:sum", "http_status:sum", "http_dot_status:sum", "U__http_2e_status:sum"),
        ("花火", "__", "____", "U___82b1__706b_"),
        ("5xx.rate", "_xx_rate", "__xx_dot_rate", "U___35_xx_2e_rate"),
        ("sglang:num_running_reqs", *["sglang:num_running_reqs"] * 3),
    ],
)  # fmt: skip
def test_escaping(name: str, underscores: str, dots: str, values: str) -> None:
    found = [escaped(name, scheme) for scheme in ("underscores", "dots", "values", "allow-utf-8")]
    assert found == [underscores, dots, values, name]


TEXT = "text/plain; version=0.0.4; charset=utf-8"
OM = "application/openmetrics-text; version=1.0.0; charset=utf-8"


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        (None, TEXT),
        ("", TEXT),
        ("*/*", TEXT),
        ("image/png", TEXT),
        ("text/plain;version=0.0.4", TEXT),
        ("text/plain;version=1.0.0;escaping=dots", "text/plain; version=1.0.0; charset=utf-8; escaping=dots"),
        ("application/openmetrics-text", OM),
        ("application/openmetrics-text;version=1.0.0", OM),
        ("application/openmetrics-text; version=1.0.0; escaping=allow-utf-8", f"{OM}; escaping=allow-utf-8"),
        ("application/openmetrics-text;version=1.0.0;escaping=base64", OM),
        ("application/openmetrics-text;version=0.0.1", TEXT),
        ("application/openmetrics-text;version=2.0.0,text/plain;version=0.0.4;q=0.1", TEXT),
        ("application/openmetrics-text;q=0.2,text/plain;q=0.9", TEXT),
        ("application/openmetrics-text;q=0,text/plain;q=0", TEXT),
        ("application/openmetrics-text;q=much", TEXT),
        ("application/vnd.google.protobuf;q=1,application/openmetrics-text;version=1.0.0;q=0.5", OM),
    ],
)
def test_negotiation(accept: str | None, content_type: str) -> None:
    assert choose(accept).content_type == content_type


def test_two_families_of_one_name_fail_the_scrape() -> None:
    source = TextSource(b"# TYPE a:x gauge\na:x 1\n# TYPE b:x gauge\nb:x 2\n")
    answer = MetricsBridge(source, Prefixes(keep=("a:", "b:"), add="c_")).scrape()
    assert answer.status == 500
    assert answer.body == b"the collection failed: a:x and b:x would both be exposed as c_x\n"


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({"keep_prefixes": "sglang:"}, "keep_prefixes is 'sglang:'; a list of texts is due"),
        ({"drop_prefixes": [""]}, "drop_prefixes is [''"),
        ({"add_prefix": "9_"}, "add_prefix is '9_'; letters, digits, _ and : are due, no digit first"),
        ({"add": "x_"}, "there is no setting 'add': keep_prefixes, drop_prefixes, add_prefix"),
    ],
)
def test_prefixes_that_cannot_be(config: dict[str, object], told: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        Prefixes.from_config(config)
    assert told in str(caught.value)


def test_the_last_numbers_stay_after_the_engine() -> None:
    engine = MockEngine()
    engine.drive(5, 5)
    bridge = MetricsBridge(engine.registry)
    bridge.begin_shutdown()
    before = lines(bridge)
    engine.drive(5, 5)
    bridge.begin_shutdown()
    assert lines(bridge) == before
    assert 'sglang:num_requests_total{model_name="mock"} 5.0' in before


class Hanging:
    """An engine that answers when it is let go, or not at all."""

    def __init__(self) -> None:
        self.asked, self.go = threading.Event(), threading.Event()
        self.hangs = False

    def collect(self) -> Iterator[Metric]:
        if self.hangs:
            self.asked.set()
            assert self.go.wait(10)
            raise RuntimeError("the engine is gone")
        yield GaugeMetricFamily("depth", "How deep.", 3)


def test_an_engine_that_hangs_in_its_shutdown_holds_no_scraper_up() -> None:
    engine = Hanging()
    bridge = MetricsBridge(engine)
    engine.hangs = True
    going = threading.Thread(target=bridge.begin_shutdown)
    going.start()
    assert engine.asked.wait(10)
    engine.hangs = False
    answers: list[int] = []
    scraper = threading.Thread(target=lambda: answers.append(bridge.scrape().status), daemon=True)
    scraper.start()
    scraper.join(5)
    engine.go.set()
    going.join()
    assert answers == [200]
    # Nor does the shutdown fail where the last numbers cannot be had.
    assert bridge.scrape().status == 200


def test_it_serves_over_http() -> None:
    with serving(MetricsBridge(registry())) as url:
        parts = urlsplit(url)
        for method, status, is_body in (("GET", 200, True), ("HEAD", 200, False), ("POST", 405, False)):
            connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
            connection.request(method, parts.path, headers={"Accept": f"{OPENMETRICS};version=1.0.0"})
            answer = connection.getresponse()
            body = answer.read()
            connection.close()
            assert (answer.status, bool(body)) == (status, is_body)
            if status == 200:
                assert answer.headers["Content-Type"] == OM
                assert answer.headers["Vary"] == "Accept"
    assert "metrics-bridge" not in [thread.name for thread in threading.enumerate()]
