"""`trueup events`: a look at what a running engine publishes."""

from __future__ import annotations

import argparse

from trueup.errors import UsageError

_EXAMPLES = """\
  trueup events tap tcp://127.0.0.1:5557                       watch an engine's KV events
  trueup events tap tcp://10.0.0.7:5557 --topic kv@            only topics that begin with kv@
  trueup events tap tcp://h:5557 tcp://h:5558 --for 60 --check two ranks, for a minute; exit code 1 for findings
  trueup events tap tcp://h:5557 --record kv.jsonl --for 60    keep the raw frames
  trueup events tap kv.jsonl --check                           read them back
  trueup events tap tcp://h:5557 --for 30 --replay-endpoint tcp://h:5558

exit codes: 0 clean, 1 findings (with --check) or no message at all, 2 usage error
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.description = "KV events over ZeroMQ, as vLLM, SGLang, TensorRT-LLM, Dynamo and others publish them."
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    one = verbs.add_parser(
        "tap",
        help="print a stream's events, name its dialect, count what is missing or malformed",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    one.add_argument("source", nargs="+", metavar="ENDPOINT|FILE", help="tcp://HOST:PORT of publishers, or a capture")
    one.add_argument("--topic", default="", metavar="T", help="only topics that begin with T (default: all)")
    one.add_argument("--for", dest="for_s", type=_seconds, metavar="SECONDS", help="end after so long")
    one.add_argument("--count", type=_positive, metavar="N", help="end after N messages")
    one.add_argument(
        "--wait",
        dest="wait_s",
        type=_seconds,
        default=10.0,
        metavar="SECONDS",
        help="end when no message at all has come by then (default: 10; 0: wait on)",
    )
    one.add_argument(
        "--format", choices=("A", "B", "auto"), default="auto", help="three frames or four (default: auto)"
    )
    one.add_argument("--check", action="store_true", help="list what is wrong; exit code 1 for errors")
    one.add_argument("--record", metavar="FILE", help="keep the raw frames as JSON lines")
    one.add_argument("--replay-endpoint", metavar="E", help="in the end ask E for a replay and compare it")
    one.add_argument("--json", action="store_true", help="an object a line, for programs")
    one.add_argument("--quiet", action="store_true", help="no line for each event, only the summary")


def run(args: argparse.Namespace) -> int:
    """Watches, and answers with the exit code."""
    is_live = ["://" in source for source in args.source]
    if any(is_live) != all(is_live) or (not any(is_live) and len(args.source) > 1):
        raise UsageError("either endpoints or one capture can be read")
    if not any(is_live):
        for name in ("for_s", "record", "replay_endpoint"):
            if getattr(args, name) is not None:
                option = {"for_s": "--for"}.get(name, f"--{name.replace('_', '-')}")
                raise UsageError(f"{option} is for endpoints, and {args.source[0]} is none of the form tcp://HOST:PORT")
    if args.replay_endpoint is not None and len(args.source) > 1:
        raise UsageError("--replay-endpoint is of one endpoint, and there are several")
    _need("zmq" if any(is_live) else None)
    from trueup_contracts.event_transport.tap.running import run as watch

    return watch(args, live=any(is_live))


def _need(module: str | None) -> None:
    from importlib.util import find_spec

    for name, package in (("rich", "rich"), (module, "pyzmq")):
        if name is not None and find_spec(name) is None:
            raise UsageError(f"trueup events tap needs {package}", hint="pip install 'trueup[zmq]'")


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1
    if not 0 <= value <= 1e9:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds")
    return value


def _positive(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of messages")
    return int(text)
