"""The contracts of KV events over ZeroMQ: a subscriber, a publisher, and a client of replays."""

from __future__ import annotations

from pathlib import Path

from trueup_contracts.event_transport.hardware import curve_missing
from trueup_contracts.registry import SuiteInfo

__all__ = ["PUBLISHER", "REPLAY", "SUBSCRIBER"]

_HERE = Path(__file__).parent
_SPEC = _HERE / "SPEC.md"
_MODULES = {"zmq": "zmq", "msgspec": "zmq"}
_CODEC = "trueup_contracts.event_transport.values"
_SHARED = (_HERE / "canonical.schema.json",)
_CURVE = "CURVE keys are taken: a peer that has no known key is refused"
_ASYNCIO = "in this process: every call is a coroutine, the factory's too (decode and encode are plain)"
_FORMAT_B = "format='B': the event plane's four frames, with the publisher's id and an envelope"

SUBSCRIBER = SuiteInfo(
    name="event-subscriber",
    module="trueup_contracts.event_transport.subscriber.suite",
    section="event-subscriber",
    capabilities={
        "format_b": _FORMAT_B,
        "codec": "decode(frames, format): a message in its canonical form",
        "match": "the factory takes match: exact, prefix or all",
        "replay": "the factory takes replay_endpoints: what was missed is asked for; messages have replayed",
        "bounds": "the factory takes max_message_bytes: what is larger is counted as malformed",
        "gap_reports": "messages have before: gap, restart or uncertain, and how many were missed",
        "default_timeout": "recv_timeout_ms may be left out: 100, or what the variable named by timeout_env says",
        "curve": f"{_CURVE} (server_key, client_secret_key)",
        "asyncio": _ASYNCIO,
    },
    spec=_SPEC,
    wire_schema=_HERE / "subscriber" / "wire.schema.json",
    shared_schemas=_SHARED,
    kit_modules=_MODULES,
    codec=_CODEC,
    reads=frozenset({"recv", "stats"}),
    adapt="trueup_contracts.event_transport.looping:in_loop",
)

PUBLISHER = SuiteInfo(
    name="event-publisher",
    module="trueup_contracts.event_transport.publisher.suite",
    section="event-publisher",
    capabilities={
        "control": "the suite drives it: everything but what publishes at an endpoint; claimed by itself",
        "format_b": f"{_FORMAT_B} (publisher_id)",
        "codec": "encode(message, format, dialect): the frames of a message in its canonical form",
        "queue": "the factory takes queue_batches and full_policy",
        "policy_block": "with queue: full_policy='block' and block_timeout_ms",
        "policy_drop_newest": "with queue: full_policy='drop_newest'",
        "policy_drop_oldest": "with queue: full_policy='drop_oldest'",
        "hold": "with queue: hold() and release(): nothing is taken from the queue in between",
        "readiness": "wait_for_subscribers(count, timeout_ms): whether so many are connected by then",
        "replay": "the factory takes replay_endpoint and replay_batches; attribute replay_endpoint",
        "broker": "the factory takes broker=True: it connects to an XSUB socket",
        "curve": f"{_CURVE} (server_secret_key, allowed_client_keys)",
        "asyncio": _ASYNCIO,
    },
    spec=_SPEC,
    wire_schema=_HERE / "publisher" / "wire.schema.json",
    shared_schemas=_SHARED,
    kit_modules=_MODULES,
    codec=_CODEC,
    assumed=frozenset({"control"}),
    ways=frozenset({"module", "exec", "tcp"}),
    hardware={"curve": curve_missing},
    adapters={"vllm": "trueup_contracts.event_transport.publisher.adapters:Vllm"},
    reads=frozenset({"endpoint", "publisher_id", "replay_endpoint", "stats", "wait_for_subscribers"}),
    adapt="trueup_contracts.event_transport.looping:in_loop",
)

REPLAY = SuiteInfo(
    name="event-replay",
    module="trueup_contracts.event_transport.replay.suite",
    section="event-replay",
    capabilities={"asyncio": _ASYNCIO},
    spec=_SPEC,
    wire_schema=_HERE / "replay" / "wire.schema.json",
    shared_schemas=_SHARED,
    kit_modules=_MODULES,
    codec=_CODEC,
    adapt="trueup_contracts.event_transport.looping:in_loop",
)
