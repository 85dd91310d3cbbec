"""What is written where: the defaults, and what is allowed."""

import pytest

from trio_lb.config.diary import AccessLogConfig, LoggingConfig
from trio_lb.model.errors import ConfigError


def test_there_is_no_access_log_unless_one_is_asked_for() -> None:
    assert LoggingConfig() == LoggingConfig(
        level="info", access=AccessLogConfig(format="off", file="-")
    )


def test_a_form_or_a_level_is_one_of_a_few() -> None:
    with pytest.raises(ConfigError, match="'apache' is no format; allowed: combined, json"):
        AccessLogConfig(format="apache")
    with pytest.raises(ConfigError, match="'verbose' is no level"):
        LoggingConfig(level="verbose")
