"""The configuration: its model, its loader, and what its patterns and severities come to."""

from trueup.config.load import Loaded, load
from trueup.config.match import PathMatcher, Severities
from trueup.config.model import Config

__all__ = ["Config", "Loaded", "PathMatcher", "Severities", "load"]
