"""One balancer as a program: from the configuration to the exit code.

start: logs, file limit, access log, listeners, servers and their probes, the ready line
run:   statistics on stdout; SIGUSR1, SIGQUIT, SIGHUP as they come
stop:  the first SIGTERM or SIGINT drains, the second one cuts
"""

import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Final

import trio

from trio_lb.app import LoadBalancer, Service, open_load_balancer
from trio_lb.app.front import CannotListen
from trio_lb.cli.binding import cannot_bind
from trio_lb.cli.exits import Exit
from trio_lb.cli.file_limit import FileLimit, make_room
from trio_lb.cli.reload import Read, Reload, said
from trio_lb.config.schema import Config
from trio_lb.model.address import Address
from trio_lb.model.errors import ConfigError, Problem
from trio_lb.net.env import Env
from trio_lb.observe.access_log import AccessLog
from trio_lb.observe.lines import Lines, open_lines
from trio_lb.observe.logs import Logs, Render, as_text, open_logs
from trio_lb.observe.news import News
from trio_lb.observe.statistics import format_block
from trio_lb.observe.task_tree import format_task_tree

STANDARD_OUTPUT: Final = "/dev/stdout"
STOP_SIGNALS: Final = ("SIGTERM", "SIGINT")
OTHER_SIGNALS: Final = ("SIGHUP", "SIGUSR1", "SIGQUIT")

Action = Callable[[], None]
"""What a signal that stops nothing brings about."""

_log = logging.getLogger("trio_lb.run")


class Program:
    """What ``trio-lb run`` does; ``main`` is the whole of it.

    ``stats_period_seconds`` 0 prints no statistics. ``warnings`` are what is to be said
    of the configuration before anything starts. Without ``file_limit`` none is looked at.
    ``read`` is asked at a SIGHUP for what ``config`` has become; without it that stays.
    ``settle`` is called once, when connections are accepted and the start is over.
    """

    def __init__(
        self,
        config: Config,
        env: Env,
        *,
        render: Render = as_text,
        stats_period_seconds: float = 0.0,
        file_limit: FileLimit | None = None,
        warnings: Sequence[Problem] = (),
        read: Read | None = None,
        settle: Callable[[], None] | None = None,
    ) -> None:
        self._config = config
        self._env = env
        self._render = render
        self._stats_period_seconds = stats_period_seconds
        self._file_limit = file_limit
        self._warnings = warnings
        self._read: Read = read or (lambda: (config, ()))
        self._settle = settle
        self._access_log: AccessLog | None = None

    async def main(self) -> Exit:
        """Run until a signal ends it; every fault comes out as a log line and a number."""
        level = self._config.logging.level
        async with open_logs(self._env, render=self._render, level=level) as logs:
            try:
                return await self._run(logs)
            except ConfigError as error:
                return _refused(error)
            except CannotListen as error:
                return self._cannot_listen(error, logs)
            except Exception:
                _log.exception("internal fault; the program ends")
                return Exit.SOFTWARE

    async def _run(self, logs: Logs) -> Exit:
        for warning in (*said(self._warnings), *self._short_of_descriptors()):
            _log.warning("%s", warning)
        services = self._open_services()
        if services is None:
            return Exit.FAILURE
        async with (
            self._env.signals((*STOP_SIGNALS, *OTHER_SIGNALS)) as signals,
            open_load_balancer(
                self._config, env=self._env, services=services, listen_first=True
            ) as lb,
        ):
            return await self._serve(lb, signals, logs)

    def _short_of_descriptors(self) -> Sequence[str]:
        if self._file_limit is None:
            return ()
        warning = make_room(self._config.limits.max_connections, self._file_limit)
        return () if warning is None else (warning,)

    def _open_services(self) -> list[Service] | None:
        """The faces of this program; None, and the reason in the log, when one cannot start."""
        access = self._config.logging.access
        services: list[Service] = [News()]
        if access.format == "off":
            return services
        try:
            sink = self._env.open_sink(access.file)
        except OSError as error:
            _log.error("access log %s: cannot be opened: %s", access.file, error.strerror)
            return None
        self._access_log = AccessLog(sink, access.format, name=access.file)
        return [*services, self._access_log]

    async def _serve(self, lb: LoadBalancer, signals: AsyncIterator[str], logs: Logs) -> Exit:
        async with trio.open_nursery() as nursery:
            addresses: list[Address] = await nursery.start(lb.serve)
            code = await self._tell_and_follow(nursery, addresses, lb, signals, logs)
            nursery.cancel_scope.cancel()
        return code

    async def _tell_and_follow(
        self,
        nursery: trio.Nursery,
        addresses: Sequence[Address],
        lb: LoadBalancer,
        signals: AsyncIterator[str],
        logs: Logs,
    ) -> Exit:
        logs.say(ready_line(addresses, self._config))
        if self._settle is not None:
            self._settle()
        if self._stats_period_seconds > 0:
            nursery.start_soon(print_statistics, lb, self._stats_period_seconds)
        return await self._follow(signals, lb, logs)

    def _cannot_listen(self, error: CannotListen, logs: Logs) -> Exit:
        # With several listeners the options don't say which one they mean.
        key = f"listeners[{error.index}].bind"
        where = {} if len(self._config.listeners) == 1 else {"port": key, "host": key}
        logs.say(f"trio-lb: {cannot_bind(error.address, error, **where)}")
        return Exit.CANNOT_BIND

    async def _follow(self, signals: AsyncIterator[str], lb: LoadBalancer, logs: Logs) -> Exit:
        actions: Mapping[str, Action] = {
            "SIGHUP": Reload(lb, self._read, logs),
            "SIGUSR1": self._reopen_logs,
            "SIGQUIT": _log_task_tree,
        }
        async for name in signals:
            if name in STOP_SIGNALS:
                return await _stop(name, signals, lb, actions)
            actions[name]()
        raise AssertionError("signals end with the program only")

    def _reopen_logs(self) -> None:
        if self._access_log is None:
            _log.info("SIGUSR1: there is no access log to open anew")
        else:
            self._access_log.reopen_soon()
            _log.info("SIGUSR1: the access log is opened anew")


def _refused(error: ConfigError) -> Exit:
    for problem in error.problems:
        _log.error("%s", problem)
    return Exit.BAD_CONFIG


def ready_line(addresses: Sequence[Address], config: Config) -> str:
    """Return the line that says that connections are accepted, and what stands behind."""
    pairs = zip(addresses, config.listeners, strict=True)
    where = ", ".join(f"{listener.protocol}://{address}" for address, listener in pairs)
    pools = dict.fromkeys(listener.pool for listener in config.listeners)
    counts = ", ".join(_count(len(config.pools[name].servers), name) for name in pools)
    return f"trio-lb: ready, listening on {where} ({counts})"


def _count(servers: int, pool: str) -> str:
    return f"{servers} {'server' if servers == 1 else 'servers'} in pool '{pool}'"


async def print_statistics(lb: LoadBalancer, period_seconds: float) -> None:
    """Write the statistics block to standard output once a period, until cancelled."""
    sink = lb.env.open_sink(STANDARD_OUTPUT)
    async with open_lines(sink, "standard output", tell=_log.warning) as lines:
        await _print_blocks(lb, period_seconds, lines)


async def _print_blocks(lb: LoadBalancer, period_seconds: float, lines: Lines) -> None:
    due = lb.env.now()
    while True:
        due += period_seconds
        await trio.sleep_until(due)
        lines.put(format_block(lb.statistics(), lb.servers()).encode())


async def _stop(
    name: str, signals: AsyncIterator[str], lb: LoadBalancer, actions: Mapping[str, Action]
) -> Exit:
    """Drain; a second stop signal, or the end of the drain's time, cuts what is left."""
    limit = lb.config.drain_timeout
    _log.info(
        "%s: stopping; requests in flight: %d, with %g s to end (again: ends at once)",
        name, lb.statistics().active_connections, limit,
    )  # fmt: skip
    clean = False
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_cancel_at_second, signals, nursery.cancel_scope, actions)
        clean = await lb.shutdown()
        nursery.cancel_scope.cancel()
    if clean:
        _log.info("stopped; every request has ended")
        return Exit.OK
    _log.warning("stopped; %s", _what_was_cut(lb))
    return Exit.DRAIN_TIMED_OUT


def _what_was_cut(lb: LoadBalancer) -> str:
    """Requests, or else who was in the middle of a head or a handshake when time was up."""
    requests = lb.cut_requests or lb.statistics().active_connections
    if requests:
        return f"requests cut before their end: {requests}"
    begun = lb.front.cut_connections or len(lb.front.connections)
    return f"no request was cut, but {begun} connection{'s'[: begun != 1]} that had begun"


def _refuse_reload() -> None:
    _log.warning("SIGHUP: nothing is read again by a program that stops")


async def _cancel_at_second(
    signals: AsyncIterator[str], scope: trio.CancelScope, actions: Mapping[str, Action]
) -> None:
    """Go on heeding signals while a stop lasts, which may be long; but read nothing again."""
    async for name in signals:
        if name in STOP_SIGNALS:
            _log.warning("%s again: ending at once", name)
            scope.cancel()
            return
        (_refuse_reload if name == "SIGHUP" else actions[name])()


def _log_task_tree() -> None:
    root = trio.lowlevel.current_root_task()
    assert root is not None, "a task is running"
    for line in format_task_tree(root).splitlines():
        _log.info("%s", line)
