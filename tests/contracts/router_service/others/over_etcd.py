"""The reference with its workers in etcd: `over_etcd.py --etcd HOST:PORT --config … --discovery FILE …`.

What the discovery file says is kept in etcd by a process beside it, which ends with the group of this one; this one
becomes the router, so that signals and exit statuses are the router's own.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import uuid
from typing import NoReturn

ROUTER = ["-m", "trueup_reference.router", "--model-name", "reference"]
WHEN_THERE = [sys.executable, "-S", "-c", "import time; print('there', flush=True); time.sleep(1e6)"]


def main() -> NoReturn:
    """Ends here only where the workers cannot be brought into etcd."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--etcd", required=True)
    parser.add_argument("--discovery", required=True)
    given, others = parser.parse_known_args()
    where = f"etcd://{given.etcd}/{uuid.uuid4()}"
    mirror = [sys.executable, "-m", "trueup_reference.router.discovery.mirroring", given.discovery, where, "--"]
    # stderr is the router's: what is wrong with the file is told there.
    beside = subprocess.Popen([*mirror, *WHEN_THERE], stdout=subprocess.PIPE)
    assert beside.stdout is not None
    if not beside.stdout.readline():
        sys.exit(beside.wait())
    os.execv(sys.executable, [sys.executable, *ROUTER, "--discovery", where, *others])


if __name__ == "__main__":
    main()
