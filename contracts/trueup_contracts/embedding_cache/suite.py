"""The suite `embedding-cache`: every test of its requirements, for pytest to find in one module."""

from trueup_contracts.embedding_cache.device import *  # noqa: F403
from trueup_contracts.embedding_cache.holding import *  # noqa: F403
from trueup_contracts.embedding_cache.memory import *  # noqa: F403
from trueup_contracts.embedding_cache.optional import *  # noqa: F403
from trueup_contracts.embedding_cache.sequences import *  # noqa: F403
from trueup_contracts.embedding_cache.storing import *  # noqa: F403
from trueup_contracts.embedding_cache.surviving import *  # noqa: F403
from trueup_contracts.embedding_cache.threads import *  # noqa: F403
