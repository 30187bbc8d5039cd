"""Loads the fixtures, which live in modules by topic."""

pytest_plugins = ["fix_environment", "fix_etcd", "fix_redis", "fix_repository"]
