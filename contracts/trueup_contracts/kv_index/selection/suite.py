"""The suite `worker-selection`: every test of its requirements, for pytest to find in one module."""

from trueup_contracts.kv_index.selection.booking import *  # noqa: F403
from trueup_contracts.kv_index.selection.chance import *  # noqa: F403
from trueup_contracts.kv_index.selection.choosing import *  # noqa: F403
from trueup_contracts.kv_index.selection.enduring import *  # noqa: F403
from trueup_contracts.kv_index.selection.refusing import *  # noqa: F403
from trueup_contracts.kv_index.selection.sequences import *  # noqa: F403
