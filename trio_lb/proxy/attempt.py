"""One try at one server: the request out, the answer's head in, its body relayed.

    HEAD -- FINAL_HEAD --> BODY -- BODY_ENDED --> DONE
      `---- SWITCHING ---> SWITCHED (101: a tunnel from here on)

``_proceed`` walks these phases and keeps everything it needs in the object, so that
it can be cancelled at any wait and called again. That makes the plain path cheap. An
answer that came while others had their turn needs no wait, and so no scope. Any other attempt
first runs under one scope of ``PATIENCE_SECONDS``, with no second task and no deadline to move.
Only what takes longer is *attended* (``proxy.attend``): a second task uploads, then watches.
"""

import math
from collections.abc import Mapping
from typing import Final

import trio

from trio_lb.model.message import Reject, RequestHead, ResponseHead
from trio_lb.model.outcome import Outcome, OutcomeKind
from trio_lb.model.step import Step
from trio_lb.net.body import BodySource, open_body
from trio_lb.net.connection_pool import UpstreamConnection
from trio_lb.net.env import Stream
from trio_lb.net.haste import Wait, hurried
from trio_lb.proxy.answer_out import final_head, interim_head
from trio_lb.proxy.attend import attend, upload_alone
from trio_lb.proxy.exchange import Exchange
from trio_lb.proxy.failure import FAILURES, ClientGone, cut_short, kind_of, still_coming
from trio_lb.proxy.waiting import for_client

PATIENCE_SECONDS = 0.05
"""How long a request goes unattended. Most answers are quicker; nobody misses 50 ms."""

MAX_INTERIM = 32
"""Interim responses (1xx) before a final one; more is a server gone mad."""


class Phase(Step):
    """How far the answer has come."""

    HEAD = "awaiting the answer"
    BODY = "relaying the answer"
    SWITCHED = "switched protocols"
    DONE = "answered"


class Signal(Step):
    """What moves it on."""

    FINAL_HEAD = "a final head came"
    SWITCHING = "a 101 came"
    BODY_ENDED = "the answer is complete"


TRANSITIONS: Final[Mapping[Phase, Mapping[Signal, Phase]]] = {
    Phase.HEAD: {Signal.FINAL_HEAD: Phase.BODY, Signal.SWITCHING: Phase.SWITCHED},
    Phase.BODY: {Signal.BODY_ENDED: Phase.DONE},
    Phase.SWITCHED: {},
    Phase.DONE: {},
}


class Attempt:
    """See the module. After ``run``, the outcome is known and these tell the rest.

    ``answer`` is the final head, or the 101, once it came. ``refusal`` is set when
    the client's body was at fault: the server's connection is then never used again,
    so that the request stays incomplete there. ``is_uploading`` is true until the
    server has all of the request.
    """

    __slots__ = (
        "_connection",
        "_hard_deadline",
        "_head_deadline",
        "_interims",
        "_phase",
        "_scope",
        "_source",
        "_to_client",
        "answer",
        "exchange",
        "head",
        "is_uploading",
        "outcome",
        "progress",
        "refusal",
        "to_server",
    )

    def __init__(
        self, exchange: Exchange, head: RequestHead, connection: UpstreamConnection, request: bytes
    ) -> None:
        self.exchange = exchange
        self.head = head
        self.answer: ResponseHead | None = None
        self.outcome: Outcome | None = None
        self.refusal: Reject | None = None
        self.progress = 0
        self.to_server: bytes | memoryview = request
        self.is_uploading = True
        self._connection = connection
        self._phase = Phase.HEAD
        self._to_client: bytes | memoryview = b""
        self._source: BodySource | None = None
        self._interims = 0
        self._scope: trio.CancelScope | None = None
        self._head_deadline = math.inf
        self._hard_deadline = math.inf

    @property
    def phase(self) -> Phase:
        """How far the answer has come."""
        return self._phase

    @property
    def is_clean(self) -> bool:
        """Whether the server's connection may carry another request."""
        inbox = self._connection.inbox
        return (
            self._phase is Phase.DONE
            and not self.is_uploading
            and not inbox.data
            and not inbox.ended
            and self.answer is not None
            and self.answer.reusable
        )

    async def run(self, total_deadline: float) -> Outcome:
        """Try; ``total_deadline`` is when the request's time up to the answer's head is up."""
        self._begin_sending()
        if not self.is_uploading:
            await self._answer_at_once()
        if self.outcome is None:
            await self._answer_later(total_deadline)
        assert self.outcome is not None
        return self.outcome

    async def _answer_at_once(self) -> None:
        """Go as far as goes without a wait; ``_proceed`` goes on from there."""
        inbox = self._connection.inbox
        try:
            if not await inbox.glance():
                return
            answer = self.exchange.context.response_reader.next_head(inbox, self.head)
            if answer is not None:
                self._take_head(answer)
            if self._source is not None and self._source.at_end() and self._flush_nowait():
                self._end()
        except FAILURES as failure:
            self.fail(kind_of(failure), str(failure))

    async def _answer_later(self, total_deadline: float) -> None:
        now = trio.current_time()
        if self.exchange.body.ended:
            self._head_deadline = total_deadline  # What it still takes is the server's to take.
        if not self.is_uploading or self.head.expects_continue:
            # A client that waits for a 100 waits for the server: the server's clock runs.
            first_byte = self.exchange.timeouts.first_byte
            self._head_deadline = min(now + first_byte, total_deadline)
        with trio.CancelScope(deadline=now + PATIENCE_SECONDS) as patience:
            if self.head.expects_continue:
                patience.cancel()  # Its body waits for an answer: both ways at once, then.
            await self._proceed()
        if patience.cancelled_caught:
            await self._run_attended()

    def _begin_sending(self) -> None:
        """Hand over what the transport takes at once; the rest is for the second task."""
        request = self.to_server
        try:
            sent = self._connection.stream.send_nowait(request)
        except trio.BrokenResourceError:
            sent = len(request)  # An answer may have come before the reset: go and read.
        self.to_server = memoryview(request)[sent:] if sent < len(request) else b""
        self.is_uploading = sent < len(request) or not self.exchange.body.ended

    # ------------------------------------------------------------------ the walk

    def _take(self, signal: Signal) -> None:
        self._phase = TRANSITIONS[self._phase][signal]

    async def _proceed(self) -> None:
        """Walk on from wherever this is, until the outcome is known."""
        try:
            if self.is_uploading and self._scope is None:
                await upload_alone(self)
            if self.outcome is not None:
                return
            await self._read_head()
            if self._phase is Phase.HEAD:
                return  # It was refused, or is not wanted any more.
            if self._source is not None:
                await self._relay(self._source)
            elif self._to_client:
                await self._flush()  # The 101.
            self._end()
        except FAILURES as failure:
            self.fail(kind_of(failure), str(failure))

    def _end(self) -> None:
        """The answer is complete, and the client has it."""
        if self._phase is Phase.BODY:
            self._take(Signal.BODY_ENDED)
        self.outcome = Outcome(OutcomeKind.ANSWERED, self.answer.status if self.answer else None)

    def fail(self, kind: OutcomeKind, detail: str) -> None:
        """Name the outcome, by how far the attempt had come; the first name stays."""
        if self.outcome is not None:
            return
        if self._phase is Phase.BODY and kind is not OutcomeKind.ABANDONED:
            kind = OutcomeKind.TRUNCATED
        elif kind in (OutcomeKind.RESET, OutcomeKind.CLOSED) and self._was_stale():
            kind = OutcomeKind.STALE
        self.outcome = Outcome(kind, self.answer.status if self.answer else None, True, detail)

    def _was_stale(self) -> bool:
        return not (self._connection.is_fresh or self._interims or self._connection.inbox.data)

    async def _read_head(self) -> None:
        """Await the final head (or a 101), passing interim ones on, or a refusal."""
        reader = self.exchange.context.response_reader
        while self._phase is Phase.HEAD and self.outcome is None:
            if self._to_client:
                await self._flush()
                self._arm(self._head_deadline)
            self._take_head(await reader.read(self._connection.inbox, self.head))

    def _take_head(self, answer: ResponseHead | Reject) -> None:
        if isinstance(answer, Reject):
            self.fail(OutcomeKind.BAD_RESPONSE, answer.message)
        elif answer.status >= 200:
            self._begin_answer(answer)
        elif answer.upgrade is not None:
            self._switch(answer)
        else:
            self._pass_on(answer)

    def _pass_on(self, interim: ResponseHead) -> None:
        self._interims += 1
        if self._interims > MAX_INTERIM:
            self.fail(OutcomeKind.BAD_RESPONSE, f"more than {MAX_INTERIM} interim answers")
            return
        if self.is_uploading:
            self.body_flows()
        if self.head.minor > 0:
            self._to_client = interim_head(interim)

    def _begin_answer(self, answer: ResponseHead) -> None:
        """Queue the head for the client, with as much of the body as is here."""
        exchange = self.exchange
        context = exchange.context
        knows_chunks = self.head.minor > 0
        if self.is_uploading or context.draining or not knows_chunks:
            # While a body is still coming, its rest would be left unread on the connection.
            exchange.keep = False
        inbox = self._connection.inbox
        source = self._source = open_body(
            inbox, answer.framing, wire=knows_chunks, nominated=answer.connection
        )
        # Before anything is promised: a body that begins malformed is still a 502.
        piece = source.take()
        extra = exchange.answer_fields() if context.answer_headers else b""
        head = final_head(
            answer, self.head, date=context.date_line(), close=not exchange.keep, extra=extra
        )
        self.answer = answer
        exchange.answered(answer.status)
        self._take(Signal.FINAL_HEAD)
        self._count(len(piece))
        self._to_client = head + (piece + source.tail() if source.at_end() else piece)

    def _switch(self, answer: ResponseHead) -> None:
        self.answer = answer
        self.exchange.answered(answer.status)
        self.exchange.keep = False
        self._to_client = interim_head(answer)
        self._take(Signal.SWITCHING)

    async def _relay(self, source: BodySource) -> None:
        while True:
            if self._to_client:
                await self._flush()
            if source.at_end():
                break
            self._expect_within("idle", self.exchange.timeouts.idle)
            piece = await source.receive()
            self._count(len(piece))
            self._to_client = piece + source.tail() if source.at_end() else piece

    async def _flush(self) -> None:
        """Send what is queued for the client."""
        if self._flush_nowait():
            return
        inbox = self._connection.inbox
        inbox.slow_down()
        try:
            with inbox.appetite.holding(self._to_client) as self._to_client:
                await self._flush_slowly(self.exchange.client.stream)
        except trio.BrokenResourceError as broken:
            raise ClientGone(str(broken)) from broken
        self._to_client = b""

    async def _flush_slowly(self, stream: Stream) -> None:
        while data := self._to_client:
            self._expect_within("write_stall", self.exchange.timeouts.write_stall)
            sent = await for_client(self.exchange, stream.send_some, data)
            self._to_client = memoryview(data)[sent:]
            self.progress += 1

    def _flush_nowait(self) -> bool:
        """Send as much of it as the client takes at once; whether that was all."""
        data = self._to_client
        try:
            sent = self.exchange.client.stream.send_nowait(data)
        except trio.BrokenResourceError as broken:
            raise ClientGone(str(broken)) from broken
        self._to_client = memoryview(data)[sent:] if sent < len(data) else b""
        return not self._to_client

    def _count(self, size: int) -> None:
        self.exchange.bytes_out += size
        self.progress += 1

    # ------------------------------------------------------------------ attended

    async def _run_attended(self) -> None:
        self.exchange.client.take_time()
        timeouts = self.exchange.timeouts
        self._hard_deadline = self.exchange.started_at + (timeouts.response or math.inf)
        async with trio.open_nursery() as nursery:
            self._scope = nursery.cancel_scope
            if self._phase is Phase.HEAD:
                self._arm(hurried(self.exchange.context.env, "first_byte", self._head_deadline))
            else:
                self._expect_within("idle", timeouts.idle)
            nursery.start_soon(attend, self, name="the client of a slow request")
            await self._proceed()
            nursery.cancel_scope.cancel()
        self._name_timeout()

    @property
    def owes_client(self) -> bool:
        """Whether bytes of the answer wait for the client to take them."""
        return len(self._to_client) > 0

    def body_flows(self) -> None:
        """The client's body is awaited, or comes: the server's clock stands still meanwhile."""
        if self._phase is Phase.HEAD and self._head_deadline < math.inf:
            self._head_deadline = math.inf
            self._arm(math.inf)

    def uploaded(self) -> None:
        """The server has the whole request: from now on its answer is awaited."""
        self.is_uploading = False
        self.await_answer()

    def await_answer(self) -> None:
        """Start the clock of ``timeouts.first_byte``, unless the answer has begun.

        The request's total time does not count a body that was streamed: a slow
        upload is bounded by its own progress (``client_body_idle``, ``write_stall``).
        """
        if self._phase is Phase.HEAD:
            due = trio.current_time() + self.exchange.timeouts.first_byte
            self._head_deadline = min(due, self._head_deadline)
            self._arm(hurried(self.exchange.context.env, "first_byte", self._head_deadline))

    def stop(self, kind: OutcomeKind, detail: str, refusal: Reject | None = None) -> None:
        """End an attended attempt from the second task."""
        self.fail(kind, detail)
        self.refusal = refusal
        if self._scope is not None:
            self._scope.cancel()

    @property
    def server_stream(self) -> Stream:
        """The server's connection, for the second task to send on."""
        return self._connection.stream

    def _expect_within(self, wait: Wait, seconds: float) -> None:
        if self._scope is not None:
            self._arm(hurried(self.exchange.context.env, wait, trio.current_time() + seconds))

    def _arm(self, deadline: float) -> None:
        if self._scope is not None:
            self._scope.deadline = min(deadline, self._hard_deadline)

    def _name_timeout(self) -> None:
        """Name what the deadline ended; nothing, if the outcome is known."""
        if self._to_client:
            self.fail(OutcomeKind.ABANDONED, "the client took nothing for too long")
        elif self._phase is Phase.BODY:
            self.fail(OutcomeKind.TRUNCATED, cut_short(self.exchange.timeouts, self._hard_deadline))
        elif self._head_deadline < math.inf or self.to_server:
            self.fail(OutcomeKind.TIMEOUT, "no answer in time")
        elif self.outcome is None:
            refusal = still_coming(self.exchange.timeouts)
            self.stop(OutcomeKind.ABANDONED, refusal.message, refusal)
