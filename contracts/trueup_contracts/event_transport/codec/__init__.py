"""The kit's own reading and writing of KV events: frames to messages in canonical form, and back, in every dialect."""

from __future__ import annotations

from trueup_contracts.event_transport.codec.decoding import decode
from trueup_contracts.event_transport.codec.dialects import Breach, Speech, speech
from trueup_contracts.event_transport.codec.encoding import encode, payload
from trueup_contracts.event_transport.codec.message import DIALECTS, FORMATS, Decoded, Format
from trueup_contracts.event_transport.codec.messagepack import Unreadable

__all__ = [
    "DIALECTS",
    "FORMATS",
    "Breach",
    "Decoded",
    "Format",
    "Speech",
    "Unreadable",
    "decode",
    "encode",
    "payload",
    "speech",
]
