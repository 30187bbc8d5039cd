"""The second router with one fault: `faulty.py --fault NAME` and the options of `plain.py`."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))  # tests/

from contracts.router_service.faults import FAULTS
from contracts.router_service.plain import running

if __name__ == "__main__":
    given = running.options()
    next(fault for fault in FAULTS if fault.switch == given.fault).seed()
    sys.exit(running.Process(given).run())
