"""What may be set of a publisher, and what is refused before a socket is made."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from typing import Any, TypedDict

from trueup_reference.event_transport.batch_queue import FullPolicy
from trueup_reference.event_transport.curve import client_keys, server_keys
from trueup_reference.event_transport.errors import SettingError
from trueup_reference.event_transport.limits import MOST_U64
from trueup_reference.event_transport.messages import Envelope, Format
from trueup_reference.event_transport.replay_server import ReplayForm
from trueup_reference.event_transport.sending import Sending
from trueup_reference.event_transport.settings import (
    checked_choice,
    checked_count,
    checked_endpoint,
    checked_endpoints,
)


class PublisherSettings(TypedDict, total=False):
    """What may be set besides endpoint, topic and format."""

    encode: Callable[[Any], bytes | Envelope] | None  # makes the payload; left out, A takes an `EventBatch`
    queue_batches: int  # 100,000
    full_policy: FullPolicy  # drop_newest
    block_timeout_ms: int  # 100: the longest that `publish` waits for room under block
    send_hwm: int  # 100,000: ZMQ's own bound for each subscriber, above which it drops without a word
    replay_endpoint: str | None
    replay_batches: int  # 10,000
    replay_bytes: int  # 256 MiB
    replay_form: ReplayForm  # v2: replies have the topic; v1 is for old readers
    broker: bool
    server_secret_key: str | None  # with allowed_client_keys: CURVE on what is bound
    allowed_client_keys: Sequence[str] | None
    server_key: str | None  # with client_secret_key: CURVE towards a broker
    client_secret_key: str | None
    publisher_id: int | None  # format B; left out, a random one, so that a restart shows
    name: str  # in the metrics


def chosen_publisher_id(format: Format, settings: PublisherSettings) -> int | None:
    """None in format A; a random one where none is given, so that a restart is another publisher."""
    given = settings.get("publisher_id")
    if format == "A":
        if given is not None:
            raise SettingError("publisher_id: format A has none")
        return None
    return secrets.randbits(64) if given is None else checked_count("publisher_id", given, 0, MOST_U64)


def checked_sending(endpoint: str | Sequence[str], topic: str, format: Format, settings: PublisherSettings) -> Sending:
    """The settings of the thread that sends, checked."""
    checked_choice("format", format, ("A", "B"))
    endpoints = checked_endpoints([endpoint] if isinstance(endpoint, str) else endpoint, "endpoint")
    connects = settings.get("broker", False)
    if len(endpoints) > 1 and not connects:
        raise SettingError("a publisher binds to one endpoint; several are for brokers")
    replay = settings.get("replay_endpoint")
    if format == "B" and replay is not None:
        raise SettingError("replay_endpoint: format B has no replay")
    form = settings.get("replay_form", "v2")
    checked_choice("replay_form", form, ("v1", "v2"))
    return Sending(
        endpoints=endpoints,
        connects=connects,
        topic=topic.encode(),
        send_hwm=checked_count("send_hwm", settings.get("send_hwm", 100_000), 0),
        replay_endpoint=None if replay is None else checked_endpoint(replay),
        replay_batches=checked_count("replay_batches", settings.get("replay_batches", 10_000)),
        replay_bytes=checked_count("replay_bytes", settings.get("replay_bytes", 256 << 20), 1, 1 << 40),
        replay_form=form,
        keys=server_keys(settings.get("server_secret_key"), settings.get("allowed_client_keys")),
        broker_keys=client_keys(settings.get("server_key"), settings.get("client_secret_key")),
    )
