"""Faults that a worker commits on purpose: so many requests, or a share of them, in order of the rules."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable
from typing import Annotated, Literal

import msgspec

Kind = Literal["refuse", "busy", "error", "tell", "end", "stall", "cut", "crash"]
MEANINGS = {
    "refuse": "status 503 with Retry-After",
    "busy": "status 429 with Retry-After",
    "error": "status 500",
    "tell": "an event `error`, which can be tried again",
    "end": "the answer ends without `finish`",
    "stall": "nothing more comes, and the connection stays open",
    "cut": "the connection is reset",
    "crash": "the worker's process is killed",
}
STATUSES = {"refuse": 503, "busy": 429, "error": 500}  # these come before anything else
# What --fail calls them.
NAMES: dict[str, Kind] = {
    "before-first": "cut",
    "after": "cut",
    "hang": "stall",
    "refuse": "refuse",
    "busy": "busy",
    "error": "error",
    "tell": "tell",
    "end": "end",
    "crash": "crash",
}
_FORM = re.compile(r"(?P<kind>[a-z]+)(?:=(?P<share>[0-9.]+))?(?:@(?P<after>[0-9]+))?(?:x(?P<times>[0-9]+))?")
_FAIL = re.compile(r"(?P<kind>[a-z-]+)(?::(?P<after>[0-9]+))?(?:=(?P<share>[0-9.]+))?(?:x(?P<times>[0-9]+))?")


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """A rule. `share` of the requests; `after_items`: those that come before it; `times`: then no more.

    What is no item, such as a prefill's transfer, does not come any more once so many items have.
    """

    kind: Kind
    share: Annotated[float, msgspec.Meta(ge=0, le=1)] = 1.0
    after_items: Annotated[int, msgspec.Meta(ge=0)] = 0
    times: Annotated[int, msgspec.Meta(ge=1)] | None = None


def parse(text: str) -> Fault:
    """A rule as it is written on a command line: KIND[=SHARE][@ITEMS][xTIMES]. `ValueError` for what is none."""
    form = _FORM.fullmatch(text)
    if form is None or form["kind"] not in MEANINGS:
        raise ValueError(f"{text!r} is no fault: KIND[=SHARE][@ITEMS][xTIMES], of the kinds {', '.join(MEANINGS)}")
    return _made(text, form, form["kind"])


def parse_fail(text: str) -> Fault:
    """The same in the words of --fail: NAME[:ITEMS][=SHARE][xTIMES]. `ValueError` for what is none."""
    form = _FAIL.fullmatch(text)
    if form is None or form["kind"] not in NAMES:
        raise ValueError(f"{text!r} is no failure: NAME[:ITEMS][=SHARE][xTIMES], of the names {', '.join(NAMES)}")
    kind = NAMES[form["kind"]]
    takes_items = form["kind"] != "before-first" and kind not in STATUSES
    if form["after"] is not None and not takes_items:
        raise ValueError(f"{text!r}: {form['kind']} comes before any item")
    if form["after"] is None and form["kind"] == "after":
        raise ValueError(f"{text!r}: after how many items? after:3")
    return _made(text, form, kind)


def _made(text: str, form: re.Match[str], kind: str) -> Fault:
    try:
        share = float(form["share"] or 1)
    except ValueError:
        raise ValueError(f"{text!r}: the share {form['share']!r} is no number") from None
    if share > 1:
        raise ValueError(f"{text!r}: the share is {share}; 0 to 1 is due")
    times = int(form["times"]) if form["times"] else None
    if times == 0:
        raise ValueError(f"{text!r}: 0 times is never")
    return Fault(kind=kind, share=share, after_items=int(form["after"] or 0), times=times)  # type: ignore[arg-type]


class FaultPlan:
    """The rules of a worker, with what is left of them."""

    def __init__(self, faults: Iterable[Fault] = (), seed: int = 0) -> None:
        """`seed` decides which requests a share is made of."""
        self._chance = random.Random(seed)
        self._left: list[tuple[Fault, int | None]] = []
        self.set(faults)

    def set(self, faults: Iterable[Fault]) -> None:
        """These in place of the ones before."""
        self._left = [(one, one.times) for one in faults]

    def take(self) -> Fault | None:
        """The fault of the next request, if any."""
        for place, (fault, times) in enumerate(self._left):
            if times == 0 or (fault.share < 1 and self._chance.random() >= fault.share):
                continue
            self._left[place] = (fault, None if times is None else times - 1)
            return fault
        return None

    @property
    def faults(self) -> list[Fault]:
        """The rules that are left."""
        return [fault for fault, times in self._left if times != 0]
