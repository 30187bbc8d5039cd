"""The reference of the event transport: KV events over ZMQ, that neither block, lie nor vanish without a trace."""

from trueup_reference.event_transport.codec_a import decode_batch, encode_batch
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
    Envelope,
    EventBatch,
    Message,
    UnknownEvent,
)
from trueup_reference.event_transport.publisher import Publisher
from trueup_reference.event_transport.replay_client import ReplayClient
from trueup_reference.event_transport.settings import endpoint_of_rank
from trueup_reference.event_transport.subscriber import Subscriber

__all__ = [
    "AllBlocksCleared",
    "Before",
    "BlockRemoved",
    "BlockStored",
    "ClosedError",
    "Envelope",
    "EventBatch",
    "IncompleteError",
    "MalformedError",
    "Message",
    "Publisher",
    "ReplayClient",
    "SettingError",
    "Subscriber",
    "UnknownEvent",
    "decode_batch",
    "encode_batch",
    "endpoint_of_rank",
]
