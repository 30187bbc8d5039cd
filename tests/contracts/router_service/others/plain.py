"""The second router, as a program: `plain.py --config … --discovery … --service … --host … --port …`."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))  # tests/

from contracts.router_service.plain.running import Process, options

if __name__ == "__main__":
    sys.exit(Process(options()).run())
