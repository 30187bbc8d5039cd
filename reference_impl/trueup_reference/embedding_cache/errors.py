"""What the cache refuses by an exception; lack of room is no exception but the answer False."""

from __future__ import annotations


class UnsupportedTensorError(TypeError):
    """A tensor that the cache cannot hold: of another device, or whose bytes are not elements times element size."""

    code = "unsupported"


class PinError(ValueError):
    """A pin was given back that nobody holds."""


class ForkedError(RuntimeError):
    """A cache of a device was used in a child process that was forked, where the device's memory is out of reach."""


class BackendError(RuntimeError):
    """A backend did not answer, and whoever made the cache asked to be told."""
