"""`python -m trueup_reference.event_transport keys FOLDER NAME…` and `… broker --xsub ENDPOINT --xpub ENDPOINT`."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import zmq

from trueup_reference.event_transport.broker import Broker
from trueup_reference.event_transport.curve import read_key, write_keys
from trueup_reference.logging_setup import configure


def main(argv: Sequence[str] | None = None) -> int:
    """0, or 2 for what cannot be."""
    options = _parser().parse_args(argv)
    try:
        return int(options.run(options))
    except (ValueError, OSError, zmq.ZMQError) as error:
        print(f"{_PROGRAM} {options.command}: {error}", file=sys.stderr)
        return 2


_PROGRAM = "python -m trueup_reference.event_transport"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=_PROGRAM, description="Keys for CURVE, and a broker of events.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    keys = commands.add_parser("keys", help="write pairs of keys: NAME.key is public, NAME.key_secret is not")
    keys.add_argument("folder", type=Path, metavar="FOLDER")
    keys.add_argument("names", nargs="+", metavar="NAME")
    keys.set_defaults(run=_keys)
    broker = commands.add_parser("broker", help="run a broker until it is interrupted")
    broker.add_argument("--xsub", required=True, metavar="ENDPOINT", help="where publishers connect")
    broker.add_argument("--xpub", required=True, metavar="ENDPOINT", help="where subscribers connect")
    broker.add_argument("--secret-key", type=Path, metavar="FILE", help="the broker's NAME.key_secret")
    broker.add_argument("--allow", type=Path, action="append", metavar="FILE", help="a client's NAME.key, repeatable")
    broker.set_defaults(run=_broker)
    return parser


def _keys(options: argparse.Namespace) -> int:
    for name in options.names:
        public, secret = write_keys(options.folder, name)
        print(f"{public} (public: {read_key(public, is_secret=False)})\n{secret} (keep it secret)")
    return 0


def _broker(options: argparse.Namespace) -> int:
    configure()
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    secret = None if options.secret_key is None else read_key(options.secret_key, is_secret=True)
    allowed = None if options.allow is None else [read_key(path, is_secret=False) for path in options.allow]
    with Broker(options.xsub, options.xpub, server_secret_key=secret, allowed_client_keys=allowed) as broker:
        print(f"xsub={broker.xsub_endpoint} , xpub={broker.xpub_endpoint}", flush=True)
        ended.wait()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
