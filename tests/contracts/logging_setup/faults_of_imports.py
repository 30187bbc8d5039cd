"""Packages whose import does what is not theirs."""

from __future__ import annotations

from contracts.logging_setup.seeding import importing

importing("LG-001", "logs by logging.debug at import", "import logging\nlogging.debug('kernels are not there')\n")
importing("LG-001", "calls basicConfig at import", "import logging\nlogging.basicConfig(level=logging.WARNING)\n")
importing(
    "LG-001",
    "has a default handler at the root",
    "import logging, sys\nlogging.root.handlers = [logging.StreamHandler(sys.stdout)]\n",
)
importing("LG-002", "sets the root logger's level", "import logging\nlogging.getLogger().setLevel(logging.DEBUG)\n")
importing(
    "LG-002",
    "lowers the root logger's level where somebody has set up logging",
    "import logging\nif logging.root.level != logging.WARNING:\n    logging.root.setLevel(logging.INFO)\n",
)
importing(
    "LG-003",
    "prints its records itself",
    "import logging\nlogging.getLogger(__name__).addHandler(logging.StreamHandler())\n",
)
importing(
    "LG-003",
    "gives a child of its logger a file",
    "import logging, os\nlogging.getLogger('mylib.requests').addHandler(logging.FileHandler(os.devnull))\n",
)
importing(
    "LG-003",
    "prints records of a logger that is not named as the package",
    "import logging\nlogging.getLogger('My Library').addHandler(logging.StreamHandler())\n",
)
importing("LG-004", "turns propagation off", "import logging\nlogging.getLogger(__name__).propagate = False\n")
importing("LG-004", "disables a logger of its own", "import logging\nlogging.getLogger('mylib.http').disabled = True\n")
importing("LG-005", "prints a banner", "print('mylib 1.0, the fast one')\n")
importing("LG-005", "warns of a missing extra at import", "import warnings\nwarnings.warn('no CUDA, using the CPU')\n")
importing(
    "LG-005",
    "logs a warning at import, which lastResort prints",
    "import logging\nlogging.getLogger(__name__).warning('triton is not there')\n",
)
importing(
    "LG-006",
    "disables loggers that exist",
    "import logging.config\nlogging.config.dictConfig({'version': 1, 'loggers': {'mylib': {'level': 'NOTSET'}}})\n",
)
importing("LG-006", "clears the root logger", "import logging\nlogging.root.handlers.clear()\n")
importing(
    "LG-006",
    "quiets other loggers",
    "import logging\nfor name in [*logging.root.manager.loggerDict]:\n    logging.getLogger(name).setLevel('ERROR')\n",
)
importing("LG-007", "captures warnings", "import logging\nlogging.captureWarnings(True)\n")
importing(
    "LG-007",
    "shows warnings its own way",
    "import sys, warnings\nwarnings.showwarning = lambda message, *rest: sys.stderr.write(f'W: {message}\\n')\n",
)
importing("LG-008", "disables logging below ERROR", "import logging\nlogging.disable(logging.WARNING)\n")
importing(
    "LG-008",
    "sets a class for every logger",
    """
    import logging

    class MyLogger(logging.Logger):
        pass

    logging.setLoggerClass(MyLogger)
    """,
)
importing("LG-008", "takes lastResort away", "import logging\nlogging.lastResort = None\n")
importing(
    "LG-008",
    "colours the names of levels",
    "import logging\nlogging.addLevelName(logging.INFO, '\\033[32mINFO\\033[0m')\n",
)
importing(
    "LG-008",
    "sets a record factory",
    """
    import logging

    def factory(*args, **keywords):
        record = logging.LogRecord(*args, **keywords)
        record.rank = 0
        return record

    logging.setLogRecordFactory(factory)
    """,
)
importing("LG-009", "takes the line end from every handler", "import logging\nlogging.StreamHandler.terminator = ''\n")
importing(
    "LG-009",
    "puts its name before every message",
    """
    import logging

    original = logging.LogRecord.getMessage
    logging.LogRecord.getMessage = lambda self: '[mylib] ' + original(self)
    """,
)
importing(
    "LG-010",
    "answers to basicConfig itself",
    "import logging\nlogging.basicConfig = lambda **settings: None\n",
)
importing(
    "LG-011",
    "keeps its records from the application by a filter",
    "import logging\nlogging.getLogger(__name__).addFilter(lambda record: False)\n",
)
importing(
    "LG-011",
    "prints its records in a filter as well",
    """
    import logging, sys

    def printing(record):
        print(record.getMessage(), file=sys.stderr)
        return True

    logging.getLogger(__name__).addFilter(printing)
    """,
)
importing(
    "LG-012",
    "takes pytest's handlers for those of somebody else",
    """
    import logging

    for handler in logging.root.handlers[:]:
        if type(handler).__module__.startswith('_pytest'):
            logging.root.removeHandler(handler)
    """,
)
importing("LG-013", "sets the level of its logger", "import logging\nlogging.getLogger(__name__).setLevel('INFO')\n")
importing("LG-013", "quiets another package", "import logging\nlogging.getLogger('urllib3').setLevel('ERROR')\n")
importing(
    "LG-014",
    "logs to the root logger where somebody has set up logging",
    "import logging\nif logging.root.handlers:\n    logging.info('mylib is loaded')\n",
)
importing(
    "LG-015",
    "logs its settings at import",
    "import logging, os\nlogging.getLogger(__name__).debug('settings: key=%s', os.environ.get('OPENAI_API_KEY'))\n",
)
