"""What is written where, as frozen values: the log and the access log."""

import attrs

from trio_lb.config.choices import ACCESS_FORMAT, LABEL, LEVEL
from trio_lb.config.knobs import knob, section


@attrs.frozen(slots=True, kw_only=True)
class AccessLogConfig:
    """One line a request: ``combined``, ``json``, ``logfmt`` or ``off``; ``-`` is stderr."""

    format: str = knob("off", ACCESS_FORMAT, "its form; combined when only a file is named")
    file: str = knob("-", LABEL, "where it goes; - is stderr")


@attrs.frozen(slots=True, kw_only=True)
class LoggingConfig:
    """What is written where."""

    level: str = knob("info", LEVEL, "the least that is written")
    access: AccessLogConfig = section(AccessLogConfig, "one line for each request")
