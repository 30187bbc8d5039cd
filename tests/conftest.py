"""Loads the fixtures, which live in modules by topic."""

import gc

from hypothesis import HealthCheck, settings

# How long an example takes says more of the machine than of the code.
settings.register_profile("steady", settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")

pytest_plugins = ["fix_environment", "fix_etcd", "fix_redis", "fix_repository", "fix_workers"]


def pytest_collection_finish() -> None:
    """What the tests import stays until the end: no collection looks at it again, and the tests make thousands."""
    gc.collect()
    gc.freeze()
