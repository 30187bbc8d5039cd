"""What the suite says of the toy router, and why each of it is so: `others/toy.py` has the place."""

from __future__ import annotations

CLAIMS = frozenset({"agg", "disagg"})

# Each flaw of the toy, and the requirements that name it. Whatever is not here it must not be told.
FLAWS = {
    "it starts with whatever JSON it is given": {"RS-002", "RS-003", "RS-004", "RS-005", "RS-006"},
    "it reads targets in one of three places": {"RS-013", "RS-033"},
    "it hands the worker's error event on as it is": {"RS-026", "RS-058"},
    "it tells a worker's address for its id": {"RS-027"},
    "it sends JSON without its content type": {"RS-028"},
    "it hands the deadline on as it came, and has none itself": {"RS-032", "RS-083", "RS-084"},
    "its handler falls over a body that it cannot read, or values without sense": {
        "RS-035",
        "RS-036",
        "RS-037",
        "RS-122",
    },
    "it reads a body of any size": {"RS-121"},
    "it numbers the attempts of a request that comes again as it did before": {"RS-128"},
    "its errors name no pool": {"RS-038", "RS-069"},
    "its readiness is that of its process": {"RS-048", "RS-049"},
    "it tries again what it could not connect to, and nothing else": {
        "RS-050",
        "RS-052",
        "RS-053",
        "RS-054",
        "RS-057",
        "RS-059",
        "RS-064",
        "RS-065",
        "RS-066",
        "RS-067",
        "RS-081",
    },
    "it takes the end of the connection for the end of the answer": {"RS-060", "RS-062", "RS-063", "RS-123"},
    "it has one timeout for everything, and calls it worker_failed": {"RS-076", "RS-077", "RS-078", "RS-079", "RS-080"},
    "it sees that a client has left when it writes": {"RS-096", "RS-097", "RS-098"},
    "it ends by SIGTERM itself": {"RS-100", "RS-101", "RS-102", "RS-103", "RS-104", "RS-105"},
    "it has accepted before it looks for workers, and waits for none": {"RS-112", "RS-113", "RS-114"},
}
