"""The suite `event-subscriber`: every test of its requirements, for pytest to find in one module."""

from trueup_contracts.event_transport.subscriber.living import *  # noqa: F403,I001 - the simplest first
from trueup_contracts.event_transport.subscriber.ending import *  # noqa: F403
from trueup_contracts.event_transport.subscriber.framing import *  # noqa: F403
from trueup_contracts.event_transport.subscriber.matching import *  # noqa: F403
from trueup_contracts.event_transport.subscriber.ordering import *  # noqa: F403
from trueup_contracts.event_transport.subscriber.replaying import *  # noqa: F403
from trueup_contracts.event_transport.subscriber.securing import *  # noqa: F403
from trueup_contracts.event_transport.subscriber.cancelling import *  # noqa: F403
from trueup_contracts.event_transport.subscriber.defaults import *  # noqa: F403
from trueup_contracts.event_transport.subscriber.decoding import *  # noqa: F403
