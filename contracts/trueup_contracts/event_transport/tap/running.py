"""Runs the tap: takes what comes, shows it, keeps it, and sums up however it ends."""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from collections.abc import Generator, Iterator
from dataclasses import replace

from trueup.errors import UsageError
from trueup_contracts.event_transport.tap import jsonlines, showing
from trueup_contracts.event_transport.tap.capture import Capture, Item, Writer, read_capture
from trueup_contracts.event_transport.tap.findings import ERROR, findings
from trueup_contracts.event_transport.tap.replaying import Replay, compare
from trueup_contracts.event_transport.tap.summary import show
from trueup_contracts.event_transport.tap.watching import Seen, Watch

REPLAY_S = 5.0  # of silence, and a replay is given up


def run(args: argparse.Namespace, *, live: bool) -> int:
    """Watches endpoints or reads a capture; the exit code."""
    if not sys.stdout.isatty():
        sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    return _Run(args, live).result()


class _Run:
    def __init__(self, args: argparse.Namespace, live: bool) -> None:
        self.args = args
        self.live = live
        self.capture = None if live else read_capture(args.source[0])
        self.started_at = time.time() if self.capture is None else self.capture.started_at
        endpoints = args.source if self.capture is None else self.capture.endpoints
        self.watches = [Watch(endpoint, self._format()) for endpoint in endpoints]
        self.replies: list[tuple[bytes, ...]] = []
        self.writer: Writer | None = None
        self.output: showing.Output = showing.Terminal() if sys.stdout.isatty() else showing.Plain(sys.stdout.write)
        self.shown = 0

    def _format(self) -> str:
        asked: str = self.args.format
        return self.capture.format if asked == "auto" and self.capture is not None else asked

    def result(self) -> int:
        args = self.args
        if args.record is not None:
            endpoints = [watch.endpoint for watch in self.watches]
            self.writer = Writer(args.record, endpoints, args.topic, args.format, self.started_at)
        replay = None
        try:
            with contextlib.suppress(KeyboardInterrupt):  # the way to end it: what was seen is told
                self._watch()
            with contextlib.suppress(KeyboardInterrupt):  # a second one, for a replay that does not end
                replay = self._replay()
        finally:
            if self.writer is not None:
                self.writer.close()
        return self._end(replay)

    def _watch(self) -> None:
        most = self.args.count
        with contextlib.closing(self._items()) as items:
            for item in items:
                self._take(item)
                if item.frames and most is not None and sum(one.messages for one in self.watches) >= most:
                    return

    def _take(self, item: Item) -> None:
        watch = self.watches[item.source]
        at = self.started_at + item.at_s
        if self.writer is not None:
            self.writer.add(item)
        if item.connected is not None:
            watch.connected(now=item.connected)
            self._connection(watch, at, item.connected)
        elif item.replay:
            self.replies.append(item.replay)
        else:
            self._message(watch.take(item.source, at, item.frames))

    def _items(self) -> Generator[Item, None, None]:
        if self.capture is not None:
            yield from _of_topic(self.capture, self.args.topic)
            return
        from trueup_contracts.event_transport.tap.live import Tap

        args = self.args
        began = time.monotonic()
        until = None if args.for_s is None else began + args.for_s
        self._waiting()
        tap = Tap(args.source, args.topic)
        try:
            for item in tap.items(until):
                if item is not None:
                    yield replace(item, at_s=item.at_s - self.started_at)
                elif args.wait_s and time.monotonic() - began >= args.wait_s and not self._has_messages():
                    return
        finally:
            tap.close()

    def _has_messages(self) -> bool:
        return any(watch.messages for watch in self.watches)

    def _waiting(self) -> None:
        if sys.stderr.isatty() and not self.args.json:
            sys.stderr.write("waiting for messages; Ctrl-C ends it with a summary\n")

    def _message(self, seen: Seen) -> None:
        args, endpoint = self.args, self.watches[seen.source].endpoint
        if args.json:
            if not args.quiet:
                for told in jsonlines.objects(seen, endpoint):
                    jsonlines.write(sys.stdout.write, told)
            return
        if args.quiet:
            return
        several = len(self.watches) > 1
        if not self.shown:
            self.output.line(showing.heading(several))
        self.shown += 1
        for line in showing.lines(seen, several):
            self.output.line(line)

    def _connection(self, watch: Watch, at: float, connected: bool) -> None:
        if self.args.quiet:
            return
        if self.args.json:
            jsonlines.write(sys.stdout.write, jsonlines.connection(watch.endpoint, at, connected))
        else:
            self.output.line(showing.connection(watch.endpoint, at, connected))

    def _replay(self) -> Replay | None:
        watch = self.watches[0]
        if self.args.replay_endpoint is None:
            return compare(self._start(), self.replies, watch) if self.replies else None
        if watch.format == "B":
            raise UsageError("--replay-endpoint: format B has no replays")
        from trueup_contracts.event_transport.tap.live import replay

        self.replies = replay(self.args.replay_endpoint, self._start(), REPLAY_S)
        if self.writer is not None:
            for frames in self.replies:
                self.writer.add(Item(time.time() - self.started_at, 0, replay=frames))
        return compare(self._start(), self.replies, watch)

    def _start(self) -> int:
        """The number from which on a replay is asked for: the lowest of what came since the last restart."""
        watch = self.watches[0]
        return min(watch.payloads, default=0)

    def _end(self, replay: Replay | None) -> int:
        failed = False
        for watch in self.watches:
            whose = replay if watch is self.watches[0] else None
            found = findings(watch, live=self.live, topic=self.args.topic, replay=whose)
            failed |= any(one.level == ERROR for one in found)
            told = found if self.args.check or not watch.messages else []
            if self.args.json:
                jsonlines.write(sys.stdout.write, jsonlines.summary(watch, whose, found))
            else:
                show(self.output, watch, whose, told)
        nothing = not self._has_messages()
        return int(nothing or (failed and self.args.check))


def _of_topic(capture: Capture, topic: str) -> Iterator[Item]:
    prefix = topic.encode("utf-8")
    for item in capture.items:
        if not item.frames or item.frames[0].startswith(prefix):
            yield item
