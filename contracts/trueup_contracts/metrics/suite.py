"""The suite `metrics`: every test of its requirements, for pytest to find in one module."""

from trueup_contracts.metrics.exposing import *  # noqa: F403
from trueup_contracts.metrics.filtering import *  # noqa: F403
from trueup_contracts.metrics.negotiating import *  # noqa: F403
from trueup_contracts.metrics.obeying import *  # noqa: F403
from trueup_contracts.metrics.renaming import *  # noqa: F403
from trueup_contracts.metrics.scraping import *  # noqa: F403
from trueup_contracts.metrics.serving import *  # noqa: F403
