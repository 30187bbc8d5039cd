"""Which messages a subscription is about: ES-040 to ES-044."""

from __future__ import annotations

from typing import Any

from trueup_contracts import requirement
from trueup_contracts.budgets import Budgets
from trueup_contracts.event_transport.frames import batch, frames_a, number
from trueup_contracts.event_transport.peers import Peer
from trueup_contracts.event_transport.subscriber.calls import subscribed
from trueup_contracts.subject import Subject

TOPICS = ("", "k", "kv", "kv-metrics", "kv@10.0.0.1:5557@model", "KV", "kv ", " kv", "other")
LAST = len(TOPICS)


def _received(subject: Subject, **settings: Any) -> list[str]:
    """The topics that arrive of a message for each, with the numbers of one stream; and of a last one, which does."""
    __tracebackhide__ = True
    with Peer(Budgets(subject.scale)) as peer, subscribed(subject, peer, **settings) as subscriber:
        peer.send(*(frames_a(at, topic=topic) for at, topic in enumerate([*TOPICS, settings["topic"]])))
        found: list[str] = []
        while (one := subscriber.message(f"and a message of the topic {settings['topic']!r} was sent")).sequence < LAST:
            found.append(one.topic)
        subscriber.counts(malformed=0)
        return found


def _must_arrive(subject: Subject, due: list[str], **settings: Any) -> None:
    __tracebackhide__ = True
    found = _received(subject, **settings)
    asked = ", ".join(f"{name}={value!r}" for name, value in settings.items())
    assert found == due, f"of the topics {list(TOPICS)}, with {asked}, these arrived: {found}; {due} are due"


@requirement("ES-040")
def test_exact_topics(trueup_subject: Subject) -> None:
    for topic in ("kv", "k", ""):
        _must_arrive(trueup_subject, [topic], topic=topic)


@requirement("ES-041")
def test_prefixes(trueup_subject: Subject) -> None:
    for topic in ("kv", "kv@", ""):
        due = [one for one in TOPICS if one.startswith(topic)]
        _must_arrive(trueup_subject, due, topic=topic, match="prefix")


@requirement("ES-042")
def test_all_topics(trueup_subject: Subject) -> None:
    _must_arrive(trueup_subject, list(TOPICS), topic="kv", match="all")


@requirement("ES-043")
def test_exact_is_what_exact_says(trueup_subject: Subject) -> None:
    _must_arrive(trueup_subject, ["kv"], topic="kv", match="exact")


@requirement("ES-044")
def test_a_topic_that_is_no_text(trueup_subject: Subject) -> None:
    with Peer(Budgets(trueup_subject.scale)) as peer, subscribed(trueup_subject, peer, match="all") as subscriber:
        peer.send(frames_a(0))
        subscriber.message()
        peer.send([b"kv\xff\xfe", number(1), batch(1)], frames_a(1))
        found = subscriber.message("and a message was sent whose topic is not UTF-8, and then a good one")
        assert found.topic == "kv", f"a topic that is not UTF-8 was received as {found.topic!r}"
        subscriber.counts(malformed=1)
