"""Correct packages of three constructions, and an application's set-up of the root logger."""

from __future__ import annotations

from contracts.logging_setup.packages import Package

LIBRARY = Package(
    init="""
    import logging

    logging.getLogger(__name__).addHandler(logging.NullHandler())
    """
)

# A function with dictConfig: it replaces its own handler by one that is equal, under the lock that dictConfig takes.
DICT_CONFIG = Package(
    logs="""
    import logging.config
    import os


    def setup(level=None):
        if level is None:
            level = os.environ.get("MYLIB_LOG_LEVEL", "INFO")
            try:
                level = numbered(level)
            except ValueError:
                raise ValueError(f"MYLIB_LOG_LEVEL={level} is no level") from None
        logging.config.dictConfig({
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"plain": {"format": "%(levelname)s %(name)s %(message)s"}},
            "handlers": {"stdout": {"class": "logging.StreamHandler", "formatter": "plain", "stream": "ext://sys.stdout"}},
            "loggers": {"mylib": {"handlers": ["stdout"], "level": numbered(level)}},
        })


    def numbered(level):
        return logging.getLevelName(level) if isinstance(level, int) else logging._checkLevel(level.upper())


    setup.capabilities = "level environment"
    setup.level_variable = "MYLIB_LOG_LEVEL"
    """
)

# JSON lines, written by a thread of its own that starts anew in a forked process and is waited for at exit.
QUEUE = Package(
    logs="""
    import atexit
    import json
    import logging
    import math
    import os
    import queue
    import sys
    import threading
    from logging.handlers import QueueHandler, QueueListener

    lock = globals().get("lock") or threading.Lock()
    state = globals().get("state") or {}


    class Lines(logging.Formatter):
        def format(self, record):
            extra = {name: value for name, value in vars(record).items() if name in ("loss", "nested", "found")}
            found = {"level": record.levelname, "logger": record.name, "text": record.getMessage()}
            found["extra"] = plain(extra)
            if record.exc_info:
                found["exception"] = self.formatException(record.exc_info)
            return json.dumps(found, allow_nan=False)


    def plain(value, depth=4):
        if isinstance(value, dict) and depth:
            return {str(key): plain(one, depth - 1) for key, one in value.items()}
        if isinstance(value, (list, tuple)) and depth:
            return [plain(one, depth - 1) for one in value]
        if isinstance(value, float) and not math.isfinite(value):
            return str(value)
        return value if isinstance(value, (str, int, float, type(None))) else repr(value)


    def start():
        output = logging.StreamHandler(sys.stderr)
        output.setFormatter(Lines())
        state["handler"].queue = queue.SimpleQueue()
        state["listener"] = QueueListener(state["handler"].queue, output)
        state["listener"].start()


    def stop():
        if state["listener"]._thread is not None:
            state["listener"].stop()


    def setup(level="INFO"):
        number = level if isinstance(level, int) else logging._checkLevel(level.upper())
        with lock:
            if not state:
                state["handler"] = QueueHandler(queue.SimpleQueue())
                start()
                atexit.register(lambda: stop())
                os.register_at_fork(before=lock.acquire, after_in_parent=lock.release, after_in_child=in_child)
                logging.getLogger("mylib").addHandler(state["handler"])
            logging.getLogger("mylib").setLevel(number)


    def in_child():
        start()
        lock.release()


    setup.capabilities = {"level", "json"}
    """
)

APPLICATION = Package(
    logs="""
    import logging
    import sys


    def setup():
        root = logging.getLogger()
        if not any(one.get_name() == "application" for one in root.handlers):
            handler = logging.StreamHandler(sys.stderr)
            handler.set_name("application")
            logging._acquireLock() if hasattr(logging, "_acquireLock") else logging._lock.acquire()
            try:
                if not any(one.get_name() == "application" for one in root.handlers):
                    root.handlers.append(handler)
            finally:
                logging._releaseLock() if hasattr(logging, "_releaseLock") else logging._lock.release()
        root.setLevel(logging.INFO)


    setup.capabilities = {"root"}
    """
)

OTHERS = {
    "a library with a NullHandler": LIBRARY,
    "a function with dictConfig": DICT_CONFIG,
    "JSON lines through a QueueHandler": QUEUE,
    "an application's set-up of the root logger": APPLICATION,
}
