"""Expositions: Prometheus text 0.0.4 and OpenMetrics 1.0, read line by line and judged by family."""
