"""`trueup events tap`: what a running engine publishes, live or from a capture, and what is wrong with it."""

from __future__ import annotations

from trueup_contracts.event_transport.tap.capture import Capture, read_capture

__all__ = ["Capture", "read_capture"]
