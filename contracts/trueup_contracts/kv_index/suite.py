"""The suite `kv-index`: every test of its requirements, for pytest to find in one module."""

from trueup_contracts.kv_index.matching import *  # noqa: F403
from trueup_contracts.kv_index.removing import *  # noqa: F403
from trueup_contracts.kv_index.sequences import *  # noqa: F403
