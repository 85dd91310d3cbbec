"""The watchdog of the event loop: one task that beats, and somebody outside who looks.

    in the loop:  sleep, beat --> loop_lagged, when a stall is over
    outside:      look --> a log line with the stack, or the end of the process

A stall is one task that computes, or calls something that blocks, while every other
connection waits. trio cannot interrupt it; but who did it can be named, and a process
that will never come back can give its place to another one.
"""

import logging
from collections.abc import Callable
from typing import Final

import trio

from trio_lb.config.schema import WatchdogConfig
from trio_lb.control.supervisor import Supervisor
from trio_lb.model.events import Event, LoopLagged
from trio_lb.net.env import Env, Outside
from trio_lb.policy.watchdog import LoopState, Watchdog, WatchdogStatistics

logger = logging.getLogger(__name__)

EXIT_CODE: Final = 70
"""EX_SOFTWARE of sysexits.h, as for every fault of the program itself."""


class LoopWatch:
    """Runs a ``Watchdog``: ``run`` is the loop's half, ``look`` the outsider's.

    ``settings`` are asked at each beat. Switching it on takes a new start, since it costs
    a thread.
    """

    def __init__(
        self,
        settings: Callable[[], WatchdogConfig],
        env: Env,
        publish: Callable[[Event], None],
        *,
        supervisor: Supervisor | None = None,
    ) -> None:
        self._settings = settings
        self._env = env
        self._publish = publish
        self._supervisor = supervisor or Supervisor(env)
        self._machine = Watchdog(settings(), env.now())
        self._lookout = env.lookout(self.look) if settings().enabled else None

    @property
    def is_needed(self) -> bool:
        """Whether it is switched on, and the loop is one that can stand still."""
        return self._lookout is not None

    async def __call__(
        self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Watch the loop until cancelled; over at once when there is no need to."""
        task_status.started()
        if self._lookout is not None:
            with self._lookout:
                await self._supervisor.run("watchdog", self.run)

    def __repr__(self) -> str:
        return "<LoopWatch>"

    def statistics(self) -> WatchdogStatistics:
        """Return the stalls so far."""
        return self._machine.statistics()

    async def run(self) -> None:
        """Beat until cancelled, under the settings of the moment."""
        self._machine.due = self._env.now()
        while True:
            config = self._machine.settings = self._settings()
            now = self._env.now()
            stalled_seconds = self._machine.beat(now)
            if stalled_seconds is not None and config.enabled:
                self._publish(LoopLagged(at=now, seconds=stalled_seconds))
            await trio.sleep_until(self._machine.due)

    def look(self, now: float, outside: Outside) -> float:
        """Look at the loop; called from outside of it. Return when to look again."""
        bad = self._machine.look(now)
        if bad is not None and self._settings().enabled:
            seconds = self._machine.stalled_seconds(now)
            if bad is LoopState.LOST:
                self._give_up(seconds, outside)
            else:
                logger.error(
                    "the event loop has stood still for %.1f s, and every connection waits:\n%s",
                    seconds, outside.stack().rstrip(),
                )  # fmt: skip
        return self._machine.look_at

    def _give_up(self, seconds: float, outside: Outside) -> None:
        logger.critical(
            "the event loop has stood still for %.1f s (watchdog.exit_after): it is lost:\n%s",
            seconds, outside.stack().rstrip(),
        )  # fmt: skip
        outside.end_process(EXIT_CODE)
