"""What a balancer's own events mean in the words of a simulated run.

Requests are told by their numbers: a balancer names a request by an id of its own, and its
first event says which number the client gave it; or, by an id, for whom a service asks.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from trio_lb.model import events as told
from trio_lb.model.events import Event
from trio_lb.model.message import RequestHead
from trio_lb.sim.happening import AGENT, Value, What, Wire

Said: TypeAlias = tuple[What, tuple[Value, ...]]


class Interpreter:
    """Hears the events of one balancer, called ``name``, and tells them on the wire.

    ``server_named(pool, server_id)`` returns how the simulation calls a server.
    """

    def __init__(self, wire: Wire, name: str, server_named: Callable[[str, str], str]) -> None:
        self._wire = wire
        self._name = name
        self._server_named = server_named
        # By id: a service that is believed asks under the id of what it answers.
        self._numbers: dict[str, list[int]] = {}

    def hear(self, event: Event) -> None:
        """Tell what it means."""
        tell = self._TELLERS.get(type(event))
        if tell is not None:
            tell(self, event)
        else:
            self._wire.tell(What.NEWS, self._name, 0, 0, event.name)

    def _tell(self, what: What, number: int, *values: Value) -> None:
        self._wire.tell(what, self._name, 0, number, *values)

    # ------------------------------------------------------------------ requests

    def _started(self, event: told.RequestStarted) -> None:
        numbers = self._wire.numbers
        number, parent = _said_by_client(event.head), 0
        if not number:
            parent = numbers.of(_said_by_service(event.head))
            number = numbers.inner() if parent else 0
        if number:
            self._numbers.setdefault(event.request_id, []).append(number)
            numbers.begin(event.request_id, number)
        on_behalf: tuple[Value, ...] = (parent,) if parent else ()
        self._tell(What.START, number, event.request_id, *on_behalf)

    def _selected(self, event: told.ServerSelected) -> None:
        number = self._number_of(event.request_id or "")
        active: Any = event.server
        self._tell(What.SELECT, number, *self._where(event), active.active_connections)

    def _retried(self, event: told.RequestRetried) -> None:
        number = self._number_of(event.request_id)
        delay_ns = round(event.delay_seconds * 1e9)
        outcome = event.outcome.kind.value
        self._tell(What.RETRY, number, *self._where(event), event.attempt, outcome, delay_ns)

    def _completed(self, event: told.RequestCompleted) -> None:
        number, server, pool = self._of(event.record)
        record = event.record
        total_ns = round(record.total_seconds * 1e9)
        self._tell(What.COMPLETE, number, server, pool, record.status, record.attempts, total_ns)

    def _failed(self, event: told.RequestFailed) -> None:
        number, server, pool = self._of(event.record)
        record = event.record
        total_ns = round(record.total_seconds * 1e9)
        self._tell(
            What.ERROR, number, server, pool, record.status, record.attempts, total_ns, event.error
        )

    def _of(self, record: told.RequestRecord) -> tuple[int, str, str]:
        number = self._number_of(record.id)
        if number:
            self._forget(record.id, number)
        pool = record.pool or ""
        server = self._server_named(pool, record.server_id) if record.server_id else ""
        return number, server, pool

    def _number_of(self, request_id: str) -> int:
        """The innermost request of that id; 0 for one of somebody else's."""
        numbers = self._numbers.get(request_id)
        return numbers[-1] if numbers else 0

    def _forget(self, request_id: str, number: int) -> None:
        self._wire.numbers.end(request_id, number)
        self._numbers[request_id].pop()
        if not self._numbers[request_id]:
            del self._numbers[request_id]

    def _shed(self, event: told.RequestShed) -> None:
        self._tell(What.SHED, 0, event.reason)

    def _nobody(self, event: told.NoHealthyServers) -> None:
        self._tell(What.NO_SERVER, 0, event.pool)

    # ------------------------------------------------------------------ servers

    def _where(self, event: told.ServerEvent) -> tuple[str, str]:
        return self._server_named(event.pool, event.server_id), event.pool

    def _health(self, event: told.ServerHealthChanged) -> None:
        self._tell(What.HEALTH, 0, *self._where(event), int(event.is_healthy), event.reason)

    def _ejected(self, event: told.ServerEjected) -> None:
        length_ns = round((event.until - event.at) * 1e9)
        self._tell(What.EJECT, 0, *self._where(event), event.reason, length_ns)

    def _opened(self, event: told.CircuitBreakerOpened) -> None:
        length_ns = -1 if event.until is None else round((event.until - event.at) * 1e9)
        self._tell(What.OPEN, 0, *self._where(event), event.reason, length_ns)

    def _closed(self, event: told.CircuitBreakerReset) -> None:
        self._tell(What.CLOSE, 0, *self._where(event), event.reason)

    def _drained(self, event: told.ServerDrained) -> None:
        self._tell(What.DRAINED, 0, *self._where(event), int(event.clean))

    def _plain(self, event: Any) -> None:
        self._tell(_PLAIN[type(event)], 0, *self._where(event))

    def _fail_open(self, event: told.FailOpenEntered) -> None:
        self._tell(What.FAIL_OPEN, 0, event.pool, event.reason)

    def _fail_closed(self, event: told.FailOpenLeft) -> None:
        self._tell(What.FAIL_CLOSED, 0, event.pool)

    _TELLERS: Final[Mapping[type[Event], Callable[["Interpreter", Any], None]]] = {
        told.RequestStarted: _started,
        told.ServerSelected: _selected,
        told.RequestRetried: _retried,
        told.RequestCompleted: _completed,
        told.RequestFailed: _failed,
        told.RequestShed: _shed,
        told.NoHealthyServers: _nobody,
        told.ServerHealthChanged: _health,
        told.ServerEjected: _ejected,
        told.CircuitBreakerOpened: _opened,
        told.CircuitBreakerReset: _closed,
        told.ServerDrained: _drained,
        told.FailOpenEntered: _fail_open,
        told.FailOpenLeft: _fail_closed,
        told.ServerReadmitted: _plain,
        told.CircuitBreakerHalfOpened: _plain,
        told.ServerAdded: _plain,
        told.ServerRemoved: _plain,
        told.ServerDraining: _plain,
        told.ServerResumed: _plain,
    }


_PREFIX: Final = AGENT.encode()


def _said_by_client(head: RequestHead | None) -> int:
    """The number that a simulated client gave; 0 for none."""
    agent = head.get(b"user-agent") if head is not None else None
    if agent is None or not agent.startswith(_PREFIX):
        return 0
    number = agent[len(_PREFIX) :]
    return int(number) if number.isdigit() else 0


def _said_by_service(head: RequestHead | None) -> str:
    """The id that a service passes on, as it was given it; "" for none."""
    said = head.get(b"x-request-id") if head is not None else None
    return "" if said is None else said.decode("latin-1")


_PLAIN: Final[Mapping[type[Event], What]] = {
    told.ServerReadmitted: What.READMIT,
    told.CircuitBreakerHalfOpened: What.HALF_OPEN,
    told.ServerAdded: What.ADD,
    told.ServerRemoved: What.REMOVE,
    told.ServerDraining: What.DRAIN,
    told.ServerResumed: What.RESUME,
}
