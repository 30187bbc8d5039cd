"""How a failure says who did it: the line that called, as it stands in the package."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from trueup.reports.escape import visible

_MOST = 4  # lines of blame, and of what was written

Event = Mapping[str, str]


def blame(events: Sequence[Event], chosen: Callable[[Event], bool]) -> str:
    """`, by` the lines that made the chosen calls, each with the package's own line that led there."""
    places: dict[str, str] = {}
    for event in events:
        if chosen(event) and event["place"]:
            by = f"\n        for {visible(event['by'])}" if event["by"] else ""
            told = visible(f"{event['place']}: {event['source'] or event['what']}")
            places.setdefault(event["place"], told + by)
    if not places:
        return "; no call was seen that explains it"
    more = f"\n    and {len(places) - _MOST} more lines" if len(places) > _MOST else ""
    return ", by " + "\n    and by ".join([*places.values()][:_MOST]) + more


def on(logger: str, *what: str) -> Callable[[Event], bool]:
    """Chooses the events of a logger, the root logger being `root`."""
    name = logger or "root"
    return lambda event: event["logger"] == name and event["what"] in what


def some(texts: Sequence[str]) -> str:
    """A few of them behind a colon, the first on the same line."""
    more = [f"and {len(texts) - _MOST} more"] if len(texts) > _MOST else []
    return ": " + "\n    ".join([*(visible(text[:300]) for text in texts[:_MOST]), *more])


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What is otherwise about a logger, in words, enabling aside."""
    found = []
    if before["ids"] != now["ids"]:
        lost, added = _not_in(before, now), _not_in(now, before)
        found += [f"lost {one}" for one in lost] + [f"got {one}" for one in added]
        if not lost and not added:
            found.append("has other filters" if len(before["handlers"]) == len(before["ids"]) else "has other handlers")
    if before["level"] != now["level"]:
        found.append(f"has the level {now['level']}, not {before['level']}")
    if before["propagate"] != now["propagate"]:
        found.append("propagates" if now["propagate"] else "does not propagate any more")
    return found


def _not_in(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    return [text for text, identity in zip(one["handlers"], one["ids"], strict=False) if identity not in other["ids"]]
