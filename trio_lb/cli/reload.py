"""SIGHUP: the configuration is read again, and comes in force as a whole or not at all.

    file, --set, options --read--> plan --certificates--> applied: what changed is told
                           '---------------'----> refused: each problem is told, nothing changes

Reading holds the loop up: 20 ms for a file of a hundred servers, 0.2 s for one of a thousand.
A thread would let a stop, or the next SIGHUP, overtake the reload, and share the one core anyway.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import attrs

from trio_lb.app import LoadBalancer
from trio_lb.config.schema import Config
from trio_lb.model.errors import ConfigError, Problem
from trio_lb.observe.logs import Logs

Read = Callable[[], tuple[Config, Sequence[Problem]]]
"""Reads what the program was started with, as it is now, and what is to be warned of."""

_ONLY_AT_START: Final[Mapping[str, Callable[[Config], object]]] = {
    "logging.access": lambda config: config.logging.access,
    "watchdog": lambda config: config.watchdog,
}
"""What the program opens once: the rest of a plan the balancer follows."""

_log = logging.getLogger("trio_lb.run")


class Reload:
    """Brings the configuration that ``read`` returns into force, at each call.

    What was refused is told by the balancer (``config_rejected``); so is what changed.
    """

    def __init__(self, lb: LoadBalancer, read: Read, logs: Logs) -> None:
        self._lb = lb
        self._read = read
        self._logs = logs

    def __call__(self) -> None:
        """Reload; whatever is wrong, the balancer goes on with what it has."""
        plan = self._read_again()
        if plan is None:
            return
        before = self._lb.config
        try:
            self._lb.reload(plan)
        except ConfigError:
            return  # The balancer has told why.
        self._logs.set_level(plan.logging.level)
        for name, settings in _ONLY_AT_START.items():
            if settings(plan) != settings(before):
                _log.warning("SIGHUP: %s changes with a restart", name)
        kept = "; the configuration is as it was" if plan == before else ""
        _log.info("SIGHUP: configuration and certificates were read again%s", kept)

    def _read_again(self) -> Config | None:
        try:
            plan, warnings = self._read()
        except ConfigError as error:
            self._lb.reject(error)
            return None
        except Exception:
            # Reading changes nothing, and may import code that is not ours.
            _log.exception("SIGHUP: the configuration cannot be read; the old one stays in force")
            return None
        for warning in said(warnings):
            _log.warning("%s", warning)
        return plan


def said(warnings: Sequence[Problem]) -> list[str]:
    """The warnings as texts for log lines, which say themselves that they warn."""
    return [str(attrs.evolve(each, severity="error")) for each in warnings]
