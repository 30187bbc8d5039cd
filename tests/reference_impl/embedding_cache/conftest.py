"""Caches over one Redis that the tests share."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import redis

from fix_redis import RedisServer
from reference_impl.embedding_cache.redis_entries import PATIENT_S
from trueup_reference.embedding_cache.backends.redis_cache import RedisCache


@pytest.fixture
def cache(shared_redis: RedisServer) -> Iterator[RedisCache]:
    made = RedisCache(shared_redis.url, 1000, namespace=uuid.uuid4().hex, timeout_s=PATIENT_S, pause_s=0)
    yield made
    made.clear()
    made.close()


@pytest.fixture
def client(shared_redis: RedisServer) -> Iterator[Any]:
    with redis.Redis.from_url(shared_redis.url) as made:
        yield made
