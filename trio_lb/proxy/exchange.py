"""One request from its head to its one outcome: what is known of it, and its record."""

import math

import trio

from trio_lb.model.events import RequestCompleted, RequestFailed, RequestRecord, RequestStarted
from trio_lb.model.message import RequestHead
from trio_lb.net.env import Stream
from trio_lb.net.inbox import Inbox
from trio_lb.policy.balance.base import Context
from trio_lb.proxy.context import ProxyContext
from trio_lb.proxy.request_body import RequestBody
from trio_lb.proxy.request_out import RequestWriter
from trio_lb.state.lease import Lease, Trial
from trio_lb.state.server import Server

_METHODS = {
    name.encode(): name
    for name in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE")
}

_SWITCHED = 101
"""Switching Protocols: a tunnel from here on."""


class Client:
    """The downstream side of an exchange: the connection that the request came on."""

    __slots__ = (
        "address",
        "inbox",
        "is_trusted",
        "pick_context",
        "scheme",
        "scope",
        "stream",
        "writer",
    )

    def __init__(self, context: ProxyContext, stream: Stream, scheme: str) -> None:
        self.stream = stream
        self.inbox = Inbox(stream, context.limits.buffer_size)
        self.address = stream.peer.host
        self.scheme = scheme
        self.scope: trio.CancelScope | None = None
        self.is_trusted = context.trust.covers(self.address)
        self.pick_context = Context(client=self.address)
        self.writer = RequestWriter(
            peer=self.address,
            scheme=scheme,
            trusted=self.is_trusted,
            forwarded=context.forwarded_headers,
            pseudonym=context.pseudonym,
        )

    def take_time(self) -> None:
        """A wait begins that may outlast the deadline of the connection's own waits: lift it.

        The plain path never calls this: it is over long before (``proxy.connection``).
        """
        if self.scope is not None:
            self.scope.deadline = math.inf


class Exchange:
    """One request and what became of it.

    ``keep`` says whether the client's connection may carry another request; every
    doubt about where this one ends clears it. ``status`` is 0 until an answer's
    head left; ``error`` is a code once something went wrong, ``reason`` what a server did. ``is_bodiless`` says that
    the answer must not carry a body (HEAD). ``cut`` asks for a reset instead of an end. ``is_ours`` marks an answer that no server
    gave. ``timeouts`` are the balancer's, or those of the pool that took it.
    """

    __slots__ = (
        "attempts",
        "body",
        "bytes_out",
        "client",
        "client_address",
        "context",
        "cut",
        "error",
        "head",
        "head_at",
        "id",
        "is_bodiless",
        "is_ours",
        "keep",
        "lease",
        "pool",
        "reason",
        "server",
        "started_at",
        "status",
        "timeouts",
    )

    def __init__(
        self,
        context: ProxyContext,
        client: Client,
        head: RequestHead | None,
        body: RequestBody,
        *,
        now: float,
        keep: bool,
    ) -> None:
        self.context = context
        self.timeouts = context.timeouts
        self.client = client
        self.head = head
        self.body = body
        self.keep = keep
        self.is_bodiless = head is not None and head.method == b"HEAD"
        self.id = ""
        self.client_address = client.address
        if client.is_trusted and head is not None:
            self._believe(head)
        if not self.id:
            self.id = context.env.token(16)
        self.started_at = now
        self.head_at: float | None = None
        self.status = 0
        self.bytes_out = 0
        self.attempts = 0
        self.pool: str | None = None
        self.server: Server | None = None
        self.lease: Lease | Trial | None = None
        self.error: str | None = None
        self.reason = ""
        self.cut = False
        self.is_ours = False
        if context.bus.wants(RequestStarted):
            context.bus.publish(
                RequestStarted(at=now, request_id=self.id, client=self.client_address, head=head)
            )
        context.ledger.accepted()

    def _believe(self, head: RequestHead) -> None:
        """Take the request id and the client's address from a trusted peer's fields."""
        forwarded_for: list[str] = []
        for lower, _, value in head.fields:
            if lower == b"x-forwarded-for":
                forwarded_for.append(value.decode("latin-1"))
            elif lower == b"x-request-id" and 0 < len(value) <= 128 and value.isascii():
                self.id = value.decode("ascii")
        if forwarded_for:
            self.client_address = self.context.trust.client_of(
                self.client.address, ",".join(forwarded_for)
            )

    def answer_fields(self) -> bytes:
        """The fields of ``answer_headers``: who answered, and after how many milliseconds."""
        elapsed = self.context.env.now() - self.started_at
        return (
            b"X-Backend-Server: %b\r\nX-Backend-Response-Time: %d\r\nX-Load-Balanced: true\r\n"
            % (b"" if self.server is None else self.server.id.encode(), round(elapsed * 1000))
        )

    def answered(self, status: int) -> None:
        """An answer's head is about to leave."""
        self.status = status
        self.head_at = self.context.env.now()

    def finish(self) -> float:
        """Close the books, exactly once for each exchange, whatever happened; return when."""
        context = self.context
        now = context.env.now()
        elapsed = now - self.started_at
        # What follows a 101 is no answer, and may last for hours.
        seconds = elapsed if self.status != _SWITCHED else self._head_seconds or 0.0
        server = self.server
        context.ledger.ended(
            self.status, self.error, seconds, server if self.error is None else None
        )
        server_id = None if server is None else server.id
        if self.error is None:
            if context.bus.wants(RequestCompleted):
                record = self._record(elapsed)
                context.bus.publish(
                    RequestCompleted(
                        at=now,
                        server_id=server_id,
                        response_time_seconds=seconds,
                        record=record,
                    )
                )
        elif context.bus.wants(RequestFailed):
            record = self._record(elapsed)
            context.bus.publish(
                RequestFailed(at=now, server_id=server_id, error=self.error, record=record)
            )
        return now

    @property
    def _head_seconds(self) -> float | None:
        return None if self.head_at is None else self.head_at - self.started_at

    def _record(self, elapsed: float) -> RequestRecord:
        head = self.head
        method, target, minor = (head.method, head.target, head.minor) if head else (b"-", b"-", 1)
        return RequestRecord(
            id=self.id,
            client=self.client_address,
            method=_METHODS.get(method) or method.decode("latin-1"),
            target=target.decode("latin-1"),
            version=f"HTTP/1.{minor}",
            status=self.status,
            bytes_in=self.body.size,
            bytes_out=self.bytes_out,
            pool=self.pool,
            server_id=None if self.server is None else self.server.id,
            attempts=self.attempts,
            started_at=self.started_at,
            wall_at=self.context.env.wall() - elapsed,
            head_seconds=self._head_seconds,
            total_seconds=elapsed,
            error=self.error,
            reason=self.reason,
            referer=_text(head, b"referer"),
            user_agent=_text(head, b"user-agent"),
        )


def _text(head: RequestHead | None, name: bytes) -> str:
    value = head.get(name) if head else None
    return value.decode("latin-1") if value else ""
