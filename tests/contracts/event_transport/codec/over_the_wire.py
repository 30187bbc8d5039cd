"""Serves one codec of the tests, chosen by its name: `PROGRAM NAME`."""

from __future__ import annotations

import sys

from contracts.event_transport.codec.faults import FAULTS
from contracts.event_transport.codec.hooked import Codec
from trueup_contracts import serve

CODECS = {f"{fault.requirement}: {fault.name}": fault.factory for fault in FAULTS} | {"codec": Codec()}

if __name__ == "__main__":
    serve(CODECS[sys.argv[1]], name=sys.argv[1])
