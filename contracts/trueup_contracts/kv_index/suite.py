"""The suite `kv-index`: every test of its requirements, for pytest to find in one module."""

from trueup_contracts.kv_index.approximate import *  # noqa: F403
from trueup_contracts.kv_index.deep import *  # noqa: F403
from trueup_contracts.kv_index.gaps import *  # noqa: F403
from trueup_contracts.kv_index.labels import *  # noqa: F403
from trueup_contracts.kv_index.long import *  # noqa: F403
from trueup_contracts.kv_index.matching import *  # noqa: F403
from trueup_contracts.kv_index.memory import *  # noqa: F403
from trueup_contracts.kv_index.naming_hashes import *  # noqa: F403
from trueup_contracts.kv_index.optional import *  # noqa: F403
from trueup_contracts.kv_index.refusing import *  # noqa: F403
from trueup_contracts.kv_index.removing import *  # noqa: F403
from trueup_contracts.kv_index.sequences import *  # noqa: F403
from trueup_contracts.kv_index.threads import *  # noqa: F403
