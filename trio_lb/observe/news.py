"""News of the balancer as log lines, all in one place: what, where, why, what follows.

`LINES` says which events become lines, and how; a callback looks up the event's class
there, and logs. What can come with every request is throttled.
"""

import logging
from collections.abc import Callable, Hashable, Mapping
from typing import Any, Final

import attrs
import trio

from trio_lb.app import LoadBalancer
from trio_lb.model import events
from trio_lb.model.events import Event
from trio_lb.observe.first_checks import FirstChecks
from trio_lb.observe.throttle import Throttle
from trio_lb.state.server import Server
from trio_lb.state.unavailable import reason_of

_log = logging.getLogger("trio_lb.news")


@attrs.frozen(slots=True)
class Line:
    """What to log, in one line or several. Of the same ``storm_of``, only one in a while is written."""

    level: int
    text: str
    storm_of: Hashable = None


def _health(event: events.ServerHealthChanged, lb: LoadBalancer) -> Line:
    if event.is_healthy:
        follows = _gets(event, lb, "it gets requests")
        return Line(logging.INFO, f"{_server(event)}: healthy ({event.reason}); {follows}")
    follows = "it gets no requests until its checks pass"
    if event.reason == "manual" or _is_overridden(event, lb):
        follows = "it gets no requests until that is taken back"
    return Line(logging.WARNING, f"{_server(event)}: unhealthy ({event.reason}); {follows}")


def _is_overridden(event: events.ServerEvent, lb: LoadBalancer) -> bool:
    """Whether no check has a say now: a person's word stands, or an application did not start."""
    server = _server_of(event, lb)
    return server is not None and server.health is not None and server.health.is_overridden


def _gets(event: events.ServerEvent, lb: LoadBalancer, requests: str) -> str:
    """Say that it gets ``requests``, unless something else still speaks against it: then what."""
    server = _server_of(event, lb)
    if server is None or server.is_usable:
        return requests
    return f"it gets no requests yet ({reason_of(server)})"


def _server_of(event: events.ServerEvent, lb: LoadBalancer) -> Server | None:
    pool = lb.registry.find_pool(event.pool)
    return None if pool is None else pool.get_server(event.server_id)


def _ejected(event: events.ServerEjected, lb: LoadBalancer) -> Line:
    server = _server_of(event, lb)
    sooner = ""
    if server is not None and server.health is not None:
        sooner = ", or until checks find that it has recovered"
    return Line(
        logging.WARNING,
        f"{_server(event)}: ejected ({event.reason}); it gets no requests for "
        f"{event.until - event.at:.1f} s{sooner}",
    )


def _readmitted(event: events.ServerReadmitted, lb: LoadBalancer) -> Line:
    follows = _gets(event, lb, "it gets requests again")
    return Line(logging.INFO, f"{_server(event)}: readmitted; {follows}")


def _breaker_opened(event: events.CircuitBreakerOpened, lb: LoadBalancer) -> Line:
    until = "a person closes it"
    if event.until is not None:
        until = f"trials in {event.until - event.at:.1f} s"
    return Line(
        logging.WARNING,
        f"{_server(event)}: circuit breaker opens ({event.reason}); no requests until {until}",
    )


def _breaker_half_opened(event: events.CircuitBreakerHalfOpened, lb: LoadBalancer) -> Line:
    return Line(logging.INFO, f"{_server(event)}: circuit breaker half-opens; requests may try it")


def _breaker_closed(event: events.CircuitBreakerReset, lb: LoadBalancer) -> Line:
    why = f" ({event.reason})" if event.reason else ""
    follows = _gets(event, lb, "it gets requests")
    return Line(logging.INFO, f"{_server(event)}: circuit breaker closes{why}; {follows}")


def _draining(event: events.ServerDraining, lb: LoadBalancer) -> Line:
    limit = "" if event.deadline is None else f" for at most {event.deadline - event.at:.1f} s"
    return Line(
        logging.INFO, f"{_server(event)}: draining; no new requests, the old ones end{limit}"
    )


def _drained(event: events.ServerDrained, lb: LoadBalancer) -> Line:
    if event.clean:
        return Line(logging.INFO, f"{_server(event)}: drained; its last request has ended")
    return Line(
        logging.WARNING, f"{_server(event)}: the drain's time is up; requests are still open"
    )


def _resumed(event: events.ServerResumed, lb: LoadBalancer) -> Line:
    return Line(logging.INFO, f"{_server(event)}: resumed; its drain was called off")


def _added(event: events.ServerAdded, lb: LoadBalancer) -> Line:
    return Line(logging.INFO, f"{_server(event)}: added")


def _removed(event: events.ServerRemoved, lb: LoadBalancer) -> Line:
    return Line(logging.INFO, f"{_server(event)}: removed")


def _none_left(event: events.NoHealthyServers, lb: LoadBalancer) -> Line:
    why = lb.registry.pool(event.pool).why_none(event.at).message
    protocols = {each.protocol for each in lb.config.listeners if each.pool == event.pool}
    told = "a client was reset" if protocols == {"tcp"} else "a request was answered 503"
    return Line(logging.WARNING, f"{why}; {told}", ("none", event.pool))


def _fail_open(event: events.FailOpenEntered, lb: LoadBalancer) -> Line:
    return Line(
        logging.WARNING,
        f"pool '{event.pool}': fail-open ({event.reason}); requests go to servers "
        "whatever their health",
    )


def _fail_closed(event: events.FailOpenLeft, lb: LoadBalancer) -> Line:
    return Line(logging.INFO, f"pool '{event.pool}': fail-open has ended; health counts again")


def _shed(event: events.RequestShed, lb: LoadBalancer) -> Line:
    limit = ""
    if event.reason == "max_connections":
        limit = f" {lb.config.limits.max_connections} is reached"
    return Line(
        logging.WARNING,
        f"{event.reason}{limit}; one more was answered 503",
        ("shed", event.reason),
    )


def _failed(event: events.RequestFailed, lb: LoadBalancer) -> Line | None:
    """Only what servers did; a client's faults are its own, and stand in the access log."""
    record = event.record
    if event.error == "out_of_descriptors":
        return Line(logging.WARNING, _NO_DESCRIPTOR, event.error)
    if not event.error.startswith("upstream_") or record.server_id is None:
        return None
    told = f"answered {record.status}" if record.status else "the client was cut off"
    if record.method == "TCP":  # There is no answer in TCP; the status is for the access log.
        told = "the client was reset"
    if event.error == "upstream_truncated":
        told = f"the answer ({record.status}) was cut short"
    why = f": {record.reason[:200]}" if record.reason else ""
    tries = "1 attempt" if record.attempts == 1 else f"{record.attempts} attempts"
    return Line(
        logging.WARNING,
        f"request {record.id}: {record.method} {record.target[:200]} failed at server "
        f"{record.pool}/{record.server_id} ({event.error}{why}) after {tries}; {told}",
        ("failed", record.pool, record.server_id, event.error),
    )


_NO_DESCRIPTOR: Final = (
    "no descriptor is left to connect to a server; a request was answered 503 "
    "(raise the limit of open files, or lower limits.max_connections)"
)


def _updated(event: events.ConfigUpdated, lb: LoadBalancer) -> Line:
    return Line(logging.INFO, f"configuration updated: {'; '.join(event.changes) or 'no change'}")


def _rejected(event: events.ConfigRejected, lb: LoadBalancer) -> Line:
    """A line for each problem; nothing of it came in force."""
    problems = "".join(f"configuration: {each}\n" for each in event.reason.splitlines())
    return Line(logging.ERROR, f"{problems}configuration refused; the old one stays in force")


def _opened(event: events.ListenerOpened, lb: LoadBalancer) -> Line:
    return Line(logging.INFO, f"listener {event.address}: accepting connections")


def _closed(event: events.ListenerClosed, lb: LoadBalancer) -> Line:
    return Line(logging.INFO, f"listener {event.address}: closed")


def _lagged(event: events.LoopLagged, lb: LoadBalancer) -> Line:
    return Line(
        logging.WARNING,
        f"the event loop stood still for {event.seconds:.2f} s; every connection waited",
        event.name,
    )


LINES: Final[Mapping[type[Event], Callable[[Any, LoadBalancer], Line | None]]] = {
    events.ServerHealthChanged: _health,
    events.ServerEjected: _ejected,
    events.ServerReadmitted: _readmitted,
    events.CircuitBreakerOpened: _breaker_opened,
    events.CircuitBreakerHalfOpened: _breaker_half_opened,
    events.CircuitBreakerReset: _breaker_closed,
    events.ServerDraining: _draining,
    events.ServerDrained: _drained,
    events.ServerResumed: _resumed,
    events.ServerAdded: _added,
    events.ServerRemoved: _removed,
    events.NoHealthyServers: _none_left,
    events.FailOpenEntered: _fail_open,
    events.FailOpenLeft: _fail_closed,
    events.RequestShed: _shed,
    events.RequestFailed: _failed,
    events.ConfigUpdated: _updated,
    events.ConfigRejected: _rejected,
    events.ListenerOpened: _opened,
    events.ListenerClosed: _closed,
    events.LoopLagged: _lagged,
}


class News:
    """A ``Service`` that logs what happens to servers, listeners and hopeless requests."""

    def __init__(self) -> None:
        self._throttle = Throttle()
        self._first_checks = FirstChecks()

    async def __call__(self, lb: LoadBalancer, *, task_status: trio.TaskStatus[None]) -> None:
        """Listen until cancelled."""

        def tell(event: Event) -> None:
            self._tell(event, lb)

        undo = [lb.on(kind, tell) for kind in LINES]
        try:
            task_status.started()
            await trio.sleep_forever()
        finally:
            for each in undo:
                each()

    def __repr__(self) -> str:
        return "<News>"

    def _tell(self, event: Event, lb: LoadBalancer) -> None:
        line = LINES[type(event)](event, lb)
        if line is None:
            return
        more = self._throttle.admit(line.storm_of, event.at) if line.storm_of else 0
        if more is not None:
            for each in line.text.splitlines():
                _log.log(line.level, "%s%s", each, f" (and {more} more like it)" if more else "")
        if isinstance(event, events.ServerHealthChanged):
            nobody = self._first_checks.observe(event, lb.servers())
            if nobody is not None:
                _log.warning("%s", nobody)


def _server(event: events.ServerEvent) -> str:
    return f"server {event.pool}/{event.server_id}"
