"""An exchange inside an exchange: the way to the servers, taken on behalf of middleware.

    the client <-- outer exchange <-- middleware <-- pipe <-- inner exchange <-- a server

The inner exchange is a copy of the client's whose answers go into a memory stream, and the
other end of that is read as a ``Response``. It tries, retries and judges as any exchange,
but has no entry in the books: one request of a client is one entry, whatever stands around
it. The client's own stream is still watched, so a client that leaves ends the attempt.
"""

import copy
import logging
from typing import Final

import attrs
import trio

from trio_lb.model.errors import RequestCut
from trio_lb.model.message import Framing, Reject, RequestHead, ResponseHead, Unsized
from trio_lb.model.request import Request
from trio_lb.model.response import Response
from trio_lb.net.body import BodyCut, BodyRefused
from trio_lb.net.chunked import ChunkedReader
from trio_lb.net.env import Stream
from trio_lb.net.h1_client import (
    BodyFailed,
    framing_of,
    host_of,
    read_answer,
    response_of,
    send_body,
)
from trio_lb.net.inbox import Inbox
from trio_lb.net.memory import MemoryStream, memory_stream_pair, memory_stream_to
from trio_lb.net.relay import Stalled, send_all
from trio_lb.net.request_rules import is_authority
from trio_lb.proxy.answer_out import interim_head
from trio_lb.proxy.dispatch import Router, dispatch
from trio_lb.proxy.exchange import Exchange
from trio_lb.proxy.request_body import RequestBody
from trio_lb.proxy.respond import INTERNAL, refuse

_TURN_SECONDS: Final = 1.0
_FIRST_READ_BYTES: Final = 16 * 1024
_GONE: Final = "the request's body is gone: `await request.read()` first, and it is kept"
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"

_log = logging.getLogger("trio_lb.connection")


class ClientBody:
    """The client's body as middleware reads it: bare pieces, whatever their coding was.

    ``reject`` tells what was wrong with it once reading it failed; None: the client left.
    """

    def __init__(self, exchange: Exchange, head: RequestHead) -> None:
        self.is_begun = False
        self.reject: Reject | None = None
        self._exchange = exchange
        self._awaits_permission = head.expects_continue
        self._reader = ChunkedReader(wire=False) if head.framing is Unsized.CHUNKED else None
        self._is_first = True
        self._is_lent = False

    def lend(self) -> RequestBody:
        """Give it to an exchange as it is, again too if all of it was kept.

        Raises:
          RuntimeError: it is gone.
        """
        if self.is_begun:
            raise RuntimeError(_GONE)
        self._check_is_here()
        self._is_lent = True
        return self._exchange.body

    @property
    def is_being_read(self) -> bool:
        """Whether somebody takes it off the client's stream, piece by piece."""
        return self.is_begun and not self._exchange.body.ended

    def _check_is_here(self) -> None:
        body = self._exchange.body
        if self._is_lent and not (body.ended and body.is_replayable):
            raise RuntimeError(_GONE)

    def __aiter__(self) -> "ClientBody":
        self._check_is_here()
        self.is_begun = True
        return self

    async def __anext__(self) -> bytes:
        """Await the next piece.

        Raises:
          RequestCut: the client left, stalled, or sent what is no body.
        """
        body = self._exchange.body
        while self._is_first or not body.ended:
            if piece := self._decoded(await self._next_piece(body)):
                return piece
        raise StopAsyncIteration

    async def _next_piece(self, body: RequestBody) -> bytes:
        if self._is_first:
            self._is_first = False
            return body.so_far()
        seconds = self._exchange.timeouts.client_body_idle
        with trio.move_on_after(seconds):
            try:
                await self._permit()
                return await body.receive()
            except BodyRefused as refused:
                self.reject = refused.reject
                raise RequestCut(f"the body was refused: {refused}") from refused
            except (BodyCut, trio.BrokenResourceError, Stalled) as gone:
                raise RequestCut("the client left in its body") from gone
        self.reject = Reject(408, "request_timeout", f"no byte of the body for {seconds:g} s")
        raise RequestCut(self.reject.message)

    async def _permit(self) -> None:
        """A client that asked whether to send its body at all waits for a word (RFC 9110 10.1.1)."""
        if self._awaits_permission:
            self._awaits_permission = False
            stall = self._exchange.timeouts.write_stall
            await send_all(self._exchange.client.stream, _CONTINUE, stall)

    def _decoded(self, piece: bytes) -> bytes:
        if self._reader is None or not piece:
            return piece
        pieces = self._reader.feed(piece)
        assert not isinstance(pieces, Reject), "it was checked when it came"
        return b"".join(pieces)


class _Pipe(MemoryStream):
    """What the answer is written into. Its reader may be as slow as the client that reads it.

    The client's patience is counted where the client is written to. Here a write that makes no
    progress says so from time to time (it hands over nothing), and is not given up.
    """

    __slots__ = ("turn_seconds",)

    turn_seconds: float

    async def send_some(self, data: bytes | bytearray | memoryview) -> int:
        """Wait for room, but not for longer than ``turn_seconds``."""
        with trio.move_on_after(self.turn_seconds):
            return await super().send_some(data)
        return 0


class InnerExchange:
    """One way to the servers and back. ``run`` goes it, ``answer`` awaits what comes of it."""

    def __init__(
        self, outer: Exchange, head: RequestHead, body: RequestBody, *, watches: bool = True
    ) -> None:
        """Carry ``head`` and ``body``; it ``watches`` the client unless somebody reads from it."""
        there, back = outer.client.stream.peer, outer.client.stream.local
        self._theirs, self._ours = memory_stream_to(_Pipe, there, back)
        self._ours.turn_seconds = min(_TURN_SECONDS, outer.timeouts.write_stall / 2)
        self._outer = outer
        self._head = head
        self._inbox = Inbox(self._theirs, _FIRST_READ_BYTES)
        self._scope = trio.CancelScope()
        self._done = trio.Event()
        self._is_read = False
        self.exchange = _standing_in(outer, head, body, self._ours)
        self._watches = watches
        if not watches:
            self.exchange.client.inbox = Inbox(self._ours, _FIRST_READ_BYTES)

    @property
    def watches_client(self) -> bool:
        """Whether it may be reading from the client just now."""
        return self._watches and not self._done.is_set()

    async def run(self, router: Router) -> None:
        """Go; whatever happens, the answer's stream says how it ended."""
        exchange = self.exchange
        try:
            with self._scope:
                await self._pass_on(router)
                if not exchange.cut:
                    self._ours.close()
        finally:
            self._ours.abort()  # Unless it was closed.
            self._outer.attempts += exchange.attempts
            self._done.set()

    async def _pass_on(self, router: Router) -> None:
        exchange = self.exchange
        try:
            await dispatch(exchange, self._head, router)
            return
        except Exception:
            _log.exception("request %s: a fault of the proxy itself ended it", exchange.id)
        self._outer.keep = False  # Who knows what state it is in.
        if exchange.status:
            exchange.error, exchange.cut = INTERNAL.code, True
        else:
            await refuse(exchange, INTERNAL)

    async def answer(self) -> Response:
        """Await the answer's head; its body streams.

        Raises:
          RequestCut: there will be none.
        """
        reader = self._outer.context.own_answer_reader
        answer = await read_answer(self._inbox, reader, self._head, self._tell_client)
        outer, inner = self._outer, self.exchange
        outer.server, outer.pool, outer.timeouts = inner.server, inner.pool, inner.timeouts
        return response_of(answer, self._inbox, end=self._end, close=self._close)

    async def _tell_client(self, interim: ResponseHead) -> None:
        """An interim answer is for the client, as it comes."""
        stall = self._outer.timeouts.write_stall
        try:
            await send_all(self._outer.client.stream, interim_head(interim), stall)
        except (trio.BrokenResourceError, Stalled) as gone:
            raise RequestCut("the client left") from gone

    def _end(self) -> None:
        self._is_read = True
        self._theirs.close()

    async def _close(self) -> None:
        if not self._is_read:
            self._scope.cancel()
            self._theirs.abort()
        await self._done.wait()

    async def finish(self) -> None:
        """Wait until it is over; what nobody has read to its end is over now."""
        await self._close()


def _standing_in(outer: Exchange, head: RequestHead, body: RequestBody, stream: Stream) -> Exchange:
    """Copy an exchange as it was at its start, but for where its answer goes."""
    client = copy.copy(outer.client)
    client.stream = stream
    client.scope = None  # The outer one has taken all the time it needs.
    inner = copy.copy(outer)
    inner.client, inner.head, inner.body = client, head, body
    inner.is_bodiless = head.method == b"HEAD"
    inner.status = inner.attempts = inner.bytes_out = 0
    inner.head_at = inner.server = inner.error = None
    inner.cut = inner.is_ours = False
    inner.keep = True
    inner.started_at = outer.context.env.now()  # What middleware took is not the servers' time.
    return inner


# ---------------------------------------------------------------------- what middleware changed


def head_of(request: Request, head: RequestHead, framing: Framing) -> RequestHead:
    """Return the client's ``head`` with what ``request`` says now.

    Raises:
      ValueError: something of it can't stand in a request.
    """
    checked = Request(request.method, request.target, request.headers)
    fields = [
        (name.lower().encode("ascii"), name.encode("ascii"), value.encode("latin-1"))
        for name, value in checked.headers.pairs()
    ]
    host = head.host if "host" not in checked.headers else host_of(checked).encode("latin-1")
    if host and not is_authority(host):
        raise ValueError(f"{host!r} is not a host")
    target = checked.target
    if not target.startswith("/") and target != "*":
        target = checked.path + (f"?{checked.query}" if checked.query else "")
        host = host_of(checked).encode("latin-1")
    return attrs.evolve(
        head,
        method=checked.method.encode("ascii"),
        target=target.encode("ascii"),
        fields=fields,
        host=host,
        framing=framing,
        expects_continue=head.expects_continue and framing == head.framing,
    )


class NewBody:
    """A body that middleware put in the place of the client's, as servers are sent it."""

    def __init__(self, request: Request, outer: Exchange) -> None:
        """Frame it.

        Raises:
          ValueError: Content-Length is no number.
        """
        self.framing = framing_of(request.body, request.headers)
        self.failure: Exception | None = None
        self._request = request
        self._pipe, end = memory_stream_pair(outer.client.stream.local, outer.client.stream.peer)
        self._inbox = Inbox(end, _FIRST_READ_BYTES)
        self._limit = outer.context.limits.replay_body_size

    async def open(self, nursery: trio.Nursery) -> RequestBody:
        """Return it for an exchange; if it comes in pieces, ``nursery`` sees to them."""
        body = self._request.body
        if isinstance(body, bytes):
            self._inbox.data = body
            self._inbox.ended = True
        made = RequestBody(self._inbox, self.framing, replay_limit=self._limit, limit=None)
        if isinstance(body, bytes):
            await made.gather(self.framing, 0.0)
        else:
            nursery.start_soon(self._feed, self._pipe, name="the body that middleware made")
        return made

    async def _feed(self, pipe: MemoryStream) -> None:
        try:
            await send_body(pipe, self._request, self.framing)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return  # Nobody wants it any more.
        except BodyFailed as failed:
            self.failure = failed.failure
        except Exception as failure:
            self.failure = failure
        finally:
            pipe.close()
