"""Supervision: a child that crashes is logged, counted and started anew, with backoff.

One crash of the probes or of the timers must not end a proxy that serves well. But a
fault of composition (an undrawn transition, a broken assertion, a wrong call) will not
heal by itself and may corrupt the books: it ends the program, loudly.
"""

import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, NoReturn

import attrs
import trio

from trio_lb.model.errors import IllegalTransition
from trio_lb.net.env import Env

logger = logging.getLogger(__name__)

BUGS: Final = (
    IllegalTransition,
    AssertionError,
    TypeError,
    AttributeError,
    NameError,
    NotImplementedError,
)
"""What only a wrong program raises."""


@attrs.frozen(slots=True)
class SupervisorStatistics:
    """Crashes since the start, by the child's name."""

    crashes: Mapping[str, int]


class Supervisor:
    """Runs children. Delays double from ``first_delay_seconds`` to ``last_delay_seconds``
    with full jitter in their upper half, and begin anew once a child has lived for
    ``healthy_after_seconds``.
    """

    def __init__(
        self,
        env: Env,
        *,
        first_delay_seconds: float = 0.1,
        last_delay_seconds: float = 10.0,
        healthy_after_seconds: float = 60.0,
    ) -> None:
        self._env = env
        self._first_delay_seconds = first_delay_seconds
        self._last_delay_seconds = last_delay_seconds
        self._healthy_after_seconds = healthy_after_seconds
        self._crashes: Counter[str] = Counter()

    def statistics(self) -> SupervisorStatistics:
        """Return the crashes so far."""
        return SupervisorStatistics(dict(self._crashes))

    async def run(self, name: str, child: Callable[..., Awaitable[None]], *args: object) -> None:
        """Run ``child(*args)`` until it returns; start it anew each time it crashes.

        Raises:
          Exception: a bug of composition, as the child raised it.
        """
        delay_seconds = self._first_delay_seconds
        while True:
            started_at = self._env.now()
            try:
                await child(*args)
            except Exception as error:
                if is_bug(error):
                    self._give_up(name, error)
                if self._env.now() - started_at >= self._healthy_after_seconds:
                    delay_seconds = self._first_delay_seconds
                await self._recover(name, error, delay_seconds)
                delay_seconds = min(2 * delay_seconds, self._last_delay_seconds)
            else:
                return

    def _give_up(self, name: str, error: Exception) -> NoReturn:
        logger.critical("%s: a fault of the program itself; it ends here", name)
        raise error

    async def _recover(self, name: str, error: Exception, delay_seconds: float) -> None:
        self._crashes[name] += 1
        wait_seconds = delay_seconds * self._env.rng("supervisor").uniform(0.5, 1.0)
        logger.error("%s crashed; it starts anew in %.2f s", name, wait_seconds, exc_info=error)
        await trio.sleep(wait_seconds)


def is_bug(error: BaseException) -> bool:
    """Whether ``error``, or any member of the group that it is, is a fault of composition."""
    if isinstance(error, BaseExceptionGroup):
        return any(map(is_bug, error.exceptions))
    return isinstance(error, BUGS)
