"""Set-up functions that add, take away or lose what they should not."""

from __future__ import annotations

from contracts.logging_setup.seeding import setting_up

setting_up(
    "LG-030",
    "adds its handler to the logger and to the root",
    """
    import logging
    handler = logging.StreamHandler()

    def setup():
        logging.getLogger('mylib').addHandler(handler)
        logging.getLogger().addHandler(handler)
    """,
)
setting_up(
    "LG-030",
    "writes to nothing",
    """
    import logging

    def setup():
        logging.getLogger('mylib').addHandler(logging.NullHandler())
    """,
)
setting_up(
    "LG-031",
    "adds a handler each time",
    """
    import logging

    def setup():
        logging.getLogger('mylib').addHandler(logging.StreamHandler())
    """,
)
setting_up(
    "LG-031",
    "looks for a handler of the wrong logger",
    """
    import logging

    def setup():
        if not logging.getLogger('mylib.logs').handlers:
            logging.getLogger('mylib').addHandler(logging.StreamHandler())
    """,
)
setting_up(
    "LG-032",
    "looks for its handler, then adds it, without a lock",
    """
    import logging

    def setup():
        if not logging.getLogger('mylib').handlers:
            logging.getLogger('mylib').addHandler(logging.StreamHandler())
    """,
)
setting_up(
    "LG-032",
    "remembers that it has set up behind adding the handler",
    """
    import logging

    def setup():
        if not hasattr(logging, '_mylib_is_set_up'):
            logging.getLogger('mylib').addHandler(logging.StreamHandler())
            logging._mylib_is_set_up = True
    """,
)
setting_up(
    "LG-033",
    "remembers in its module that it has set up",
    """
    import logging, threading
    is_set_up = False
    lock = threading.Lock()

    def setup():
        global is_set_up
        with lock:
            if not is_set_up:
                logging.getLogger('mylib').addHandler(logging.StreamHandler())
                is_set_up = True
    """,
)
setting_up(
    "LG-033",
    "knows its handler by the class that a reload makes anew",
    """
    import logging, threading
    lock = threading.Lock()

    class Handler(logging.StreamHandler):
        pass

    def setup():
        logger = logging.getLogger('mylib')
        with lock:
            if not any(isinstance(one, Handler) for one in logger.handlers):
                logger.addHandler(Handler())
    """,
)
setting_up(
    "LG-034",
    "sets up once for each process id",
    """
    import logging, os, threading
    lock = threading.Lock()
    done = logging.__dict__.setdefault('_mylib_done', set())

    def setup():
        with lock:
            if os.getpid() not in done:
                logging.getLogger('mylib').addHandler(logging.StreamHandler())
                done.add(os.getpid())
    """,
)
setting_up(
    "LG-035",
    "calls basicConfig with force",
    """
    import logging, sys

    def setup():
        logging.basicConfig(level='INFO', stream=sys.stderr, force=True)
    setup.capabilities = {'root'}
    """,
)
setting_up(
    "LG-035",
    "sets the root logger's level too",
    """
    import logging

    def setup():
        logging.root.setLevel('INFO')
        if not logging.getLogger('mylib').handlers:
            logging.getLogger('mylib').addHandler(logging.StreamHandler())
    """,
)
setting_up(
    "LG-035",
    "resets the levels of all loggers",
    """
    import logging

    def setup():
        for name in list(logging.root.manager.loggerDict):
            logging.getLogger(name).setLevel(logging.NOTSET)
        if not logging.getLogger('mylib').handlers:
            logging.getLogger('mylib').addHandler(logging.StreamHandler())
    """,
)
setting_up(
    "LG-036",
    "leaves disable_existing_loggers out",
    """
    import logging.config

    def setup():
        logging.config.dictConfig({
            'version': 1,
            'handlers': {'stderr': {'class': 'logging.StreamHandler'}},
            'loggers': {'mylib': {'handlers': ['stderr'], 'level': 'INFO'}},
        })
    """,
)
setting_up(
    "LG-036",
    "reads a file by fileConfig",
    '''
    import io, logging.config

    TEXT = """
    [loggers]
    keys=root,mylib
    [handlers]
    keys=stderr
    [formatters]
    keys=
    [logger_root]
    handlers=
    [logger_mylib]
    qualname=mylib
    handlers=stderr
    [handler_stderr]
    class=StreamHandler
    args=()
    """

    def setup():
        logging.config.fileConfig(io.StringIO(__import__('textwrap').dedent(TEXT)))
    ''',
)
setting_up(
    "LG-037",
    "turns propagation off",
    """
    import logging

    def setup():
        logger = logging.getLogger('mylib')
        logger.propagate = False
        if not logger.handlers:
            logger.addHandler(logging.StreamHandler())
    """,
)
setting_up(
    "LG-037",
    "adds a relay to the root logger's handlers",
    """
    import logging

    class Relay(logging.StreamHandler):
        def emit(self, record):
            super().emit(record)
            for handler in logging.root.handlers:
                handler.handle(record)

    def setup():
        if not logging.getLogger('mylib').handlers:
            logging.getLogger('mylib').addHandler(Relay())
    """,
)
setting_up(
    "LG-038",
    "clears the root logger",
    """
    import logging

    def setup():
        logging.root.handlers.clear()
        if not logging.getLogger('mylib').handlers:
            logging.getLogger('mylib').addHandler(logging.StreamHandler())
    """,
)
setting_up(
    "LG-040",
    "writes by a thread that a fork does not have",
    """
    import atexit, logging, queue
    from logging.handlers import QueueHandler, QueueListener

    def setup():
        logger = logging.getLogger('mylib')
        if not logger.handlers:
            records = queue.SimpleQueue()
            logger.addHandler(QueueHandler(records))
            listener = QueueListener(records, logging.StreamHandler())
            listener.start()
            atexit.register(listener.stop)
    """,
)
setting_up(
    "LG-040",
    "writes in the process that has set up only",
    """
    import logging, os

    def setup():
        here = os.getpid()
        if not logging.getLogger('mylib').handlers:
            handler = logging.StreamHandler()
            handler.addFilter(lambda record: record.process == here)
            logging.getLogger('mylib').addHandler(handler)
    """,
)
setting_up(
    "LG-041",
    "remembers in the environment that it has set up",
    """
    import logging, os

    def setup():
        if 'MYLIB_IS_SET_UP' not in os.environ:
            os.environ['MYLIB_IS_SET_UP'] = '1'
            logging.getLogger('mylib').addHandler(logging.StreamHandler())
    """,
)
setting_up(
    "LG-042",
    "writes the line and its end apart",
    """
    import logging, os

    class Raw(logging.Handler):
        def emit(self, record):
            os.write(2, self.format(record).encode())
            os.write(2, b'\\n')

    def setup():
        if not logging.getLogger('mylib').handlers:
            logging.getLogger('mylib').addHandler(Raw())
    """,
)
setting_up(
    "LG-042",
    "writes by blocks of a buffer, and a line in parts",
    """
    import logging

    class Blocks(logging.Handler):
        stream = open(1, 'wb', buffering=4096, closefd=False)

        def emit(self, record):
            for part in (record.levelname, ' ', record.getMessage(), '\\n'):
                self.stream.write(part.encode())

        def flush(self):
            self.stream.flush()

    def setup():
        if not logging.getLogger('mylib').handlers:
            logging.getLogger('mylib').addHandler(Blocks())
    """,
)
setting_up(
    "LG-043",
    "writes by a daemon that nobody waits for",
    """
    import logging, queue
    from logging.handlers import QueueHandler, QueueListener

    def setup():
        logger = logging.getLogger('mylib')
        if not logger.handlers:
            records = queue.SimpleQueue()
            logger.addHandler(QueueHandler(records))
            QueueListener(records, logging.StreamHandler()).start()
    """,
)
setting_up(
    "LG-043",
    "writes by thirty records, and never the rest",
    """
    import logging

    class Batches(logging.StreamHandler):
        def emit(self, record):
            kept = self.__dict__.setdefault('kept', [])
            kept.append(record)
            if len(kept) == 30:
                for one in kept:
                    super().emit(one)
                kept.clear()

    def setup():
        if not logging.getLogger('mylib').handlers:
            logging.getLogger('mylib').addHandler(Batches())
    """,
)
setting_up(
    "LG-015",
    "logs the environment when it sets up",
    """
    import logging, os

    def setup():
        logger = logging.getLogger('mylib')
        if not logger.handlers:
            logger.addHandler(logging.StreamHandler())
        logger.setLevel('INFO')
        logger.info('started with HF_TOKEN=%s', os.environ.get('HF_TOKEN'))
    """,
)
