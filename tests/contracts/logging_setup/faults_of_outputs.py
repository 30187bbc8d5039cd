"""Set-up functions that write what nobody can read, or at another level than they were told."""

from __future__ import annotations

from contracts.logging_setup.seeding import setting_up

_LEVEL = """
import logging, os

VARIABLE = 'MYLIB_LOG_LEVEL'
NAMES = logging.getLevelNamesMapping()

def numbered(level):
    return level if isinstance(level, int) else logging._checkLevel(level.upper())

{setup}

def output(level):
    logger = logging.getLogger('mylib')
    if not logger.handlers:
        logger.addHandler(logging.StreamHandler())
    logger.setLevel(level)

setup.capabilities = {claims!r}
setup.level_variable = VARIABLE
"""


def _level(requirement: str, name: str, setup: str, claims: str) -> None:
    setting_up(requirement, name, _LEVEL.format(setup=setup, claims=claims))


_level("LG-050", "knows names in capitals only", "def setup(level='INFO'):\n    output(level)", "level")
_level(
    "LG-050",
    "sets the level of its first handler only",
    """def setup(level='INFO'):
    output('WARNING')
    logging.getLogger('mylib').handlers[0].setLevel(numbered(level))""",
    "level",
)
_level(
    "LG-051",
    "takes INFO for what it does not know",
    "def setup(level='INFO'):\n    output(getattr(logging, level.upper(), 20) if isinstance(level, str) else level)",
    "level",
)
_level(
    "LG-051",
    "adds its handler, then looks at the level",
    "def setup(level='INFO'):\n    output('INFO')\n    output(numbered(level))",
    "level",
)
_level(
    "LG-051",
    "lets a KeyError out",
    "def setup(level='INFO'):\n    output(level if isinstance(level, int) else NAMES[level.upper()])",
    "level",
)
_level(
    "LG-052",
    "passes the environment's level on as it is",
    "def setup():\n    output(os.environ.get(VARIABLE, 'INFO'))",
    "environment",
)
_level(
    "LG-052",
    "lets the environment win",
    "def setup(level='INFO'):\n    output(numbered(os.environ.get(VARIABLE, level)))",
    "environment level",
)
_level(
    "LG-052",
    "reads another variable",
    "def setup():\n    output(numbered(os.environ.get('LOGLEVEL', 'INFO')))",
    "environment",
)
_level(
    "LG-053",
    "says what is wrong, and not where",
    "def setup():\n    output(numbered(os.environ.get(VARIABLE, 'INFO')))",
    "environment",
)
_level(
    "LG-053",
    "reads the environment at import",
    "CHOSEN = numbered(os.environ.get(VARIABLE, 'INFO'))\n\ndef setup():\n    output(CHOSEN)",
    "environment",
)

_JSON = """
import json, logging, sys

NAMES = set(vars(logging.makeLogRecord({{}})))

class Lines(logging.Formatter):
    def format(self, record):
        found = {{'level': record.levelname, 'message': record.getMessage()}}
        found.update({{name: repr(value) for name, value in vars(record).items() if name not in NAMES}})
        if record.exc_info:
            found['exception'] = self.formatException(record.exc_info)
        if record.stack_info:
            found['stack'] = record.stack_info
        return self.line(found, record)

    def line(self, found, record):
        return json.dumps(found)

class Faulty(Lines):
{method}

def setup():
    logger = logging.getLogger('mylib')
    if not logger.handlers:
        handler = logging.StreamHandler({stream})
        handler.setFormatter(Faulty({form!r}))
        logger.addHandler(handler)

setup.capabilities = 'json'
"""


def _json(requirement: str, name: str, method: str, form: str | None = None, stream: str = "") -> None:
    lines = "\n".join(f"    {line}" for line in method.splitlines())
    setting_up(requirement, name, _JSON.format(method=lines, form=form, stream=stream))


_json(
    "LG-060",
    "is an object over many lines",
    "def line(self, found, record):\n    return json.dumps(found, indent=1)",
)
_json(
    "LG-060",
    "puts the time before the object",
    "def line(self, found, record):\n    return '12:00 ' + json.dumps(found)",
)
_json(
    "LG-060",
    "builds the object by a format string",
    "format = logging.Formatter.format",
    '{"level": "%(levelname)s", "message": "%(message)s"}',
)
_json(
    "LG-060",
    "leaves the arguments out",
    "def line(self, found, record):\n    return json.dumps({**found, 'message': str(record.msg)})",
)
_json(
    "LG-061",
    "writes line ends as they are",
    "def line(self, found, record):\n    return json.dumps(found).replace('\\\\n', '\\n').replace('\\\\r', '\\r')",
)
_json(
    "LG-061",
    "drops what stands behind the first line",
    "def line(self, found, record):\n    return json.dumps({**found, 'message': found['message'].splitlines()[0]})",
)
_json(
    "LG-062",
    "writes the traceback behind the object",
    """def line(self, found, record):
    exception = found.pop('exception', '')
    return json.dumps(found) + ('\\n' + exception if exception else '')""",
)
_json(
    "LG-062",
    "leaves the exception out",
    "def line(self, found, record):\n    return json.dumps({**found, 'exception': None})",
)
_json(
    "LG-063",
    "does not escape, and writes half a surrogate pair",
    "def line(self, found, record):\n    return json.dumps(found, ensure_ascii=False)",
    stream="open(2, 'w', encoding='utf-8', closefd=False)",
)
_json(
    "LG-063",
    "writes ? for what is not in Latin-1",
    """def line(self, found, record):
    return json.dumps(found, ensure_ascii=False).encode('latin-1', 'replace').decode('latin-1')""",
)
_EXTRA = "found.update({name: value for name, value in vars(record).items() if name not in NAMES})"
_json(
    "LG-064",
    "writes NaN as Python does",
    f"def line(self, found, record):\n    {_EXTRA}\n    return json.dumps(found, default=repr)",
)
_json(
    "LG-064",
    "loses what holds NaN",
    f"def line(self, found, record):\n    {_EXTRA}\n    return json.dumps(found, default=repr, allow_nan=False)",
)
_json(
    "LG-065",
    "loses what json does not know",
    f"def line(self, found, record):\n    {_EXTRA}\n    return json.dumps(found)",
)
_json(
    "LG-065",
    "knows objects, and no cycles",
    f"def line(self, found, record):\n    {_EXTRA}\n    return json.dumps(found, default=repr, skipkeys=True)",
)

_json("LG-066", "writes each extra as a text", "def line(self, found, record):\n    return json.dumps(found)")
_json(
    "LG-066",
    "leaves extras out where there is an exception",
    f"""def line(self, found, record):
    if record.exc_info is None:
        {_EXTRA}
    return json.dumps(found, default=repr)""",
)

_MASKING = """
import logging, re, sys

class Masking(logging.Formatter):
    def format(self, record):
{method}

def setup():
    logger = logging.getLogger('mylib')
    if not logger.handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(Masking())
        logger.addHandler(handler)

setup.capabilities = 'redaction'
"""


def _masking(name: str, method: str) -> None:
    lines = "\n".join(f"        {line}" for line in method.splitlines())
    setting_up("LG-070", name, _MASKING.format(method=lines))


_masking(
    "masks the message, and not its arguments",
    "record.msg = re.sub(r'(hf_|sk-|ghp_)[\\w-]+', '***', record.msg)\nreturn super().format(record)",
)
_masking(
    "masks all but exceptions",
    """text = re.sub(r'(hf_|sk-|ghp_)[\\w-]+', '***', record.getMessage())
return text + ('\\n' + self.formatException(record.exc_info) if record.exc_info else '')""",
)
_masking("knows one kind of key", "return re.sub(r'sk-[\\w-]+', '***', super().format(record))")
_masking("drops what holds a key", "return re.sub(r'.*(hf_|sk-|ghp_)[\\w-]+.*', '', super().format(record))")
