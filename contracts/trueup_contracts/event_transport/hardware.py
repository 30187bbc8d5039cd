"""What this machine can show."""

from __future__ import annotations


def curve_missing() -> str | None:
    """Why CURVE cannot be used here, or nothing where it can."""
    try:
        import zmq
    except ImportError:
        return "zmq is not installed (trueup[zmq])"
    return None if zmq.has("curve") else "ZeroMQ was built without CURVE"
