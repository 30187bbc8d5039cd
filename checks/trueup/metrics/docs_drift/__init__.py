"""Docs and metrics, both ways: what Markdown says of metrics, against the policies; what it leaves out."""
