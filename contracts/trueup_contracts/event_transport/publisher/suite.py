"""The suite `event-publisher`: every test of its requirements, for pytest to find in one module."""

from trueup_contracts.event_transport.publisher.closing import *  # noqa: F403
from trueup_contracts.event_transport.publisher.delivering import *  # noqa: F403
from trueup_contracts.event_transport.publisher.encoding import *  # noqa: F403
from trueup_contracts.event_transport.publisher.envelopes import *  # noqa: F403
from trueup_contracts.event_transport.publisher.framing import *  # noqa: F403
from trueup_contracts.event_transport.publisher.leaving import *  # noqa: F403
from trueup_contracts.event_transport.publisher.queueing import *  # noqa: F403
from trueup_contracts.event_transport.publisher.reaching import *  # noqa: F403
from trueup_contracts.event_transport.publisher.replaying import *  # noqa: F403
from trueup_contracts.event_transport.publisher.waiting import *  # noqa: F403
