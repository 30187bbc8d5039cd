"""Re-exports an engine's metrics, filtered and renamed by prefix, under the same names to every scraper."""

from trueup_reference.metrics_bridge.bridge import Answer, MetricsBridge
from trueup_reference.metrics_bridge.mock_engine import MockEngine
from trueup_reference.metrics_bridge.prefixes import Prefixes
from trueup_reference.metrics_bridge.server import serving, wsgi_app
from trueup_reference.metrics_bridge.sources import TextSource

__all__ = ["Answer", "MetricsBridge", "MockEngine", "Prefixes", "TextSource", "serving", "wsgi_app"]
