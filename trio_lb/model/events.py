"""What happened, as frozen values: the one vocabulary of news.

Pure code returns events; only composition publishes them on the bus. ``name`` is
the name on the wire and for ``lb.on``. Every event carries ``at``, the monotonic
instant in seconds.
"""

from typing import ClassVar

import attrs

from trio_lb.model.message import RequestHead
from trio_lb.model.outcome import Outcome


@attrs.frozen(slots=True, kw_only=True)
class Event:
    """Root of all events. Only who names a periodic one hears of it: ``Event`` leaves it out."""

    name: ClassVar[str] = "event"
    is_periodic: ClassVar[bool] = False
    at: float


@attrs.frozen(slots=True, kw_only=True)
class ServerEvent(Event):
    """An event about one server of one pool."""

    pool: str
    server_id: str


@attrs.frozen(slots=True, kw_only=True)
class ServerAdded(ServerEvent):
    """A server joined a pool."""

    name: ClassVar[str] = "server_added"
    server: object = None


@attrs.frozen(slots=True, kw_only=True)
class ServerRemoved(ServerEvent):
    """A server left its pool for good."""

    name: ClassVar[str] = "server_removed"


@attrs.frozen(slots=True, kw_only=True)
class ServerSelected(ServerEvent):
    """A server was picked for a request."""

    name: ClassVar[str] = "server_selected"
    server: object = None
    client_id: str | None = None
    request_id: str | None = None


@attrs.frozen(slots=True, kw_only=True)
class ServerHealthChanged(ServerEvent):
    """The verdict of probes, or of a person (reason ``manual``), changed."""

    name: ClassVar[str] = "server_health_changed"
    is_healthy: bool
    reason: str


@attrs.frozen(slots=True, kw_only=True)
class ServerEjected(ServerEvent):
    """Outlier detection took a server out of rotation until ``until`` (seconds)."""

    name: ClassVar[str] = "server_ejected"
    reason: str
    until: float


@attrs.frozen(slots=True, kw_only=True)
class ServerReadmitted(ServerEvent):
    """An ejection ended."""

    name: ClassVar[str] = "server_readmitted"


@attrs.frozen(slots=True, kw_only=True)
class CircuitBreakerOpened(ServerEvent):
    """A breaker lets nothing through, until ``until`` (seconds); None: until a person says so."""

    name: ClassVar[str] = "circuit_breaker_opened"
    reason: str
    until: float | None = None


@attrs.frozen(slots=True, kw_only=True)
class CircuitBreakerHalfOpened(ServerEvent):
    """A breaker's time is up: a few requests may try the server."""

    name: ClassVar[str] = "circuit_breaker_half_opened"


@attrs.frozen(slots=True, kw_only=True)
class CircuitBreakerReset(ServerEvent):
    """A breaker is closed again: its trials went well, or a person closed it."""

    name: ClassVar[str] = "circuit_breaker_reset"
    reason: str = ""


@attrs.frozen(slots=True, kw_only=True)
class ServerDraining(ServerEvent):
    """A server takes no new requests and finishes its old ones."""

    name: ClassVar[str] = "server_draining"
    deadline: float | None = None


@attrs.frozen(slots=True, kw_only=True)
class ServerDrained(ServerEvent):
    """A draining server's last request ended, or its deadline passed (``clean`` False)."""

    name: ClassVar[str] = "server_drained"
    clean: bool = True


@attrs.frozen(slots=True, kw_only=True)
class ServerResumed(ServerEvent):
    """A drain was called off: the server takes requests again, as far as that is concerned."""

    name: ClassVar[str] = "server_resumed"


@attrs.frozen(slots=True, kw_only=True)
class NoHealthyServers(Event):
    """A pick found nothing usable in ``pool``."""

    name: ClassVar[str] = "no_healthy_servers"
    pool: str


@attrs.frozen(slots=True, kw_only=True)
class FailOpenEntered(Event):
    """Health is ignored in ``pool`` because all of it is bad at once."""

    name: ClassVar[str] = "fail_open_entered"
    pool: str
    reason: str


@attrs.frozen(slots=True, kw_only=True)
class FailOpenLeft(Event):
    """Health counts again in ``pool``."""

    name: ClassVar[str] = "fail_open_left"
    pool: str


@attrs.frozen(slots=True, kw_only=True)
class RequestRecord:
    """Everything the access log and the statistics know of one ended request.

    Times are seconds since the request's head was read; ``head_seconds`` is None
    when no response head was sent. ``status`` is what the client was told, 0 when
    it left (or was cut) before a status could be sent. ``error`` is a short code
    (``no_healthy_server``, ``upstream_timeout``, ...), None for a relayed answer.
    ``reason`` says in words, for the operator, what the last failed attempt met.
    """

    id: str
    client: str
    method: str
    target: str
    version: str
    status: int
    bytes_in: int
    bytes_out: int
    pool: str | None
    server_id: str | None
    attempts: int
    started_at: float
    wall_at: float
    head_seconds: float | None
    total_seconds: float
    error: str | None = None
    reason: str = ""
    referer: str = ""
    user_agent: str = ""


@attrs.frozen(slots=True, kw_only=True)
class RequestStarted(Event):
    """A request's head was read; ``head`` is None for one that could not be understood."""

    name: ClassVar[str] = "request_started"
    request_id: str
    client: str
    head: RequestHead | None


@attrs.frozen(slots=True, kw_only=True)
class RequestCompleted(Event):
    """A request ended with a server's complete answer."""

    name: ClassVar[str] = "request_completed"
    server_id: str | None
    response_time_seconds: float
    record: RequestRecord


@attrs.frozen(slots=True, kw_only=True)
class RequestFailed(Event):
    """A request ended in an error: ours, the server's cut, or a client that left."""

    name: ClassVar[str] = "request_failed"
    server_id: str | None
    error: str
    record: RequestRecord


@attrs.frozen(slots=True, kw_only=True)
class RequestRetried(ServerEvent):
    """An attempt failed and another one follows after ``delay_seconds``."""

    name: ClassVar[str] = "request_retried"
    request_id: str
    attempt: int
    outcome: Outcome
    delay_seconds: float


@attrs.frozen(slots=True, kw_only=True)
class RequestShed(Event):
    """A connection or request was refused on purpose; ``reason`` names the limit."""

    name: ClassVar[str] = "request_shed"
    reason: str


@attrs.frozen(slots=True, kw_only=True)
class MetricsUpdated(Event):
    """A second has passed: the counts as they stand (a ``Statistics``)."""

    name: ClassVar[str] = "metrics_updated"
    is_periodic: ClassVar[bool] = True
    metrics: object = None


@attrs.frozen(slots=True, kw_only=True)
class SessionCreated(ServerEvent):
    """A client was tied to a server; its further requests go there."""

    name: ClassVar[str] = "session_created"
    session_id: str


@attrs.frozen(slots=True, kw_only=True)
class SessionsCleaned(Event):
    """Sessions of ``pool`` that had expired were removed; ``count`` of them."""

    name: ClassVar[str] = "sessions_cleaned"
    pool: str
    count: int


@attrs.frozen(slots=True, kw_only=True)
class ConfigUpdated(Event):
    """A plan was applied; ``changes`` are one line each."""

    name: ClassVar[str] = "config_updated"
    changes: tuple[str, ...] = ()


@attrs.frozen(slots=True, kw_only=True)
class ConfigRejected(Event):
    """A reload was refused; the old configuration stays in force."""

    name: ClassVar[str] = "config_rejected"
    reason: str


@attrs.frozen(slots=True, kw_only=True)
class ListenerOpened(Event):
    """A listener accepts on ``address``."""

    name: ClassVar[str] = "listener_opened"
    address: str


@attrs.frozen(slots=True, kw_only=True)
class ListenerClosed(Event):
    """A listener accepts no more."""

    name: ClassVar[str] = "listener_closed"
    address: str


@attrs.frozen(slots=True, kw_only=True)
class LoopLagged(Event):
    """The event loop runs again, after it stood still for ``seconds``: everybody waited."""

    name: ClassVar[str] = "loop_lagged"
    seconds: float


@attrs.frozen(slots=True, kw_only=True)
class Destroyed(Event):
    """The balancer's last task ended."""

    name: ClassVar[str] = "destroyed"
