"""The reference of the event transport: KV events over ZMQ, that neither block, lie nor vanish without a trace."""

from trueup_reference.event_transport.asynchronous import AsyncPublisher, AsyncReplayClient, AsyncSubscriber
from trueup_reference.event_transport.broker import Broker, BrokerUrl, parse_broker_url
from trueup_reference.event_transport.codec_a import decode_batch, encode_batch
from trueup_reference.event_transport.curve import (
    ClientKeys,
    ServerKeys,
    client_keys,
    read_key,
    server_keys,
    write_keys,
)
from trueup_reference.event_transport.errors import (
    ClosedError,
    IncompleteError,
    MalformedError,
    SettingError,
)
from trueup_reference.event_transport.messages import (
    AllBlocksCleared,
    Before,
    BlockRemoved,
    BlockStored,
    BlockTransferred,
    Envelope,
    EventBatch,
    Message,
    UnknownEvent,
)
from trueup_reference.event_transport.metrics import TransportCollector
from trueup_reference.event_transport.publisher import Publisher
from trueup_reference.event_transport.replay_client import ReplayClient
from trueup_reference.event_transport.settings import endpoint_of_rank
from trueup_reference.event_transport.subscriber import Subscriber
from trueup_reference.event_transport.zap import AllowList

__all__ = [
    "AllBlocksCleared",
    "AllowList",
    "AsyncPublisher",
    "AsyncReplayClient",
    "AsyncSubscriber",
    "Before",
    "BlockRemoved",
    "BlockStored",
    "BlockTransferred",
    "Broker",
    "BrokerUrl",
    "ClientKeys",
    "ClosedError",
    "Envelope",
    "EventBatch",
    "IncompleteError",
    "MalformedError",
    "Message",
    "Publisher",
    "ReplayClient",
    "ServerKeys",
    "SettingError",
    "Subscriber",
    "TransportCollector",
    "UnknownEvent",
    "client_keys",
    "decode_batch",
    "encode_batch",
    "endpoint_of_rank",
    "parse_broker_url",
    "read_key",
    "server_keys",
    "write_keys",
]
