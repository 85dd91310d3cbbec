"""Uploads, and the second task of a request that takes longer.

A body that keeps coming is first moved by the request's own task, which looks for an
early answer between two pieces. Once that has taken too long (``PATIENCE_SECONDS``), a
second task goes on with it, and then watches the client, while the first one reads.
"""

from typing import Protocol

import trio

from trio_lb.model.message import Reject, ResponseHead
from trio_lb.model.outcome import OutcomeKind
from trio_lb.net.body import BodyCut, BodyRefused
from trio_lb.net.env import Stream
from trio_lb.net.haste import Wait, hurried
from trio_lb.proxy.exchange import Exchange
from trio_lb.proxy.waiting import for_client

READ_AHEAD = 64 * 1024
"""How much of the next, pipelined requests is read while an answer is on its way."""


class Attended(Protocol):
    """What the second task needs of an attempt."""

    exchange: Exchange
    to_server: bytes | memoryview
    is_uploading: bool
    progress: int

    @property
    def server_stream(self) -> Stream:
        """Where the request goes."""
        ...

    @property
    def owes_client(self) -> bool:
        """Whether bytes of the answer wait for the client to take them."""
        ...

    @property
    def answer(self) -> ResponseHead | None:
        """The answer's head, once it came."""
        ...

    def body_flows(self) -> None:
        """Hear that the client sends its body."""
        ...

    def uploaded(self) -> None:
        """Hear that the server has the whole request."""
        ...

    def await_answer(self) -> None:
        """Hear that the server reads no more of it."""
        ...

    def stop(self, kind: OutcomeKind, detail: str, refusal: Reject | None = None) -> None:
        """End the attempt."""
        ...


async def attend(attempt: Attended) -> None:
    """Send the rest of the request, if any; then notice when the client leaves.

    Ends attempts through ``Attempt.stop`` and never raises but ``trio.Cancelled``.
    """
    if attempt.is_uploading and not await _upload(attempt):
        return
    await _watch(attempt)


async def upload_alone(attempt: Attended) -> None:
    """Move the body in the attempt's own task, until it ends or an answer begins.

    May be cancelled at any wait; ``attend`` then goes on with it.
    """
    try:
        if await _Upload(attempt, None).run():
            attempt.uploaded()
    except trio.BrokenResourceError:
        return  # The server reads no more, but it may have answered: its answer decides.


async def _upload(attempt: Attended) -> bool:
    """Return whether the server has the whole request."""
    with trio.CancelScope() as scope:
        upload = _Upload(attempt, scope)
        try:
            if await upload.run():
                attempt.uploaded()
                return True
        except trio.BrokenResourceError:
            upload.is_refused = True
    if upload.is_refused or (scope.cancelled_caught and attempt.to_server):
        attempt.await_answer()
        await _watch(attempt)
    elif scope.cancelled_caught and attempt.answer is not None:
        await _watch(attempt)  # An early answer, and a client that rightly stopped sending.
    elif scope.cancelled_caught:
        upload.give_up_waiting()
    return False


class _Upload:
    """Moves the client's body to the server. What a cancelled send left over stays in
    ``attempt.to_server``. With a scope, each wait moves its deadline; without one, somebody
    else bounds the whole, and between two pieces an early answer ends it.
    """

    def __init__(self, attempt: Attended, scope: trio.CancelScope | None) -> None:
        self._attempt = attempt
        self._body = attempt.exchange.body
        self._timeouts = attempt.exchange.timeouts
        self._scope = scope
        self.is_refused = False

    async def run(self) -> bool:
        """Move all of it; False if the attempt was stopped, or answered early.

        Raises:
          trio.BrokenResourceError: the server's side failed.
        """
        if self._attempt.to_server:
            await self._send(self._attempt.to_server)
        while not self._body.ended:
            if self._scope is None and self._attempt.server_stream.is_stale():
                return False
            piece = await self._receive()
            if piece is None:
                return False
            self._attempt.body_flows()
            await self._send(piece)
        return True

    async def _receive(self) -> bytes | None:
        self._expect_within("client_body_idle", self._timeouts.client_body_idle)
        try:
            return await for_client(self._attempt.exchange, self._body.receive)
        except BodyRefused as refused:
            self._attempt.stop(OutcomeKind.ABANDONED, str(refused), refused.reject)
        except (BodyCut, trio.BrokenResourceError) as gone:
            self._attempt.stop(OutcomeKind.ABANDONED, f"the client left in its body: {gone}")
        return None

    async def _send(self, piece: bytes | memoryview) -> None:
        stream = self._attempt.server_stream
        sent = stream.send_nowait(piece)
        while sent < len(piece):
            piece = self._attempt.to_server = memoryview(piece)[sent:]
            self._expect_within("write_stall", self._timeouts.write_stall)
            sent = await stream.send_some(piece)
        self._attempt.to_server = b""

    def _expect_within(self, wait: Wait, seconds: float) -> None:
        if self._scope is not None:
            env = self._attempt.exchange.context.env
            self._scope.deadline = hurried(env, wait, trio.current_time() + seconds)

    def give_up_waiting(self) -> None:
        """The client stalled: refuse what can't be completed."""
        detail = f"no byte of the body for {self._timeouts.client_body_idle:g} s"
        self._attempt.stop(OutcomeKind.ABANDONED, detail, Reject(408, "request_timeout", detail))


async def _watch(attempt: Attended) -> None:
    """Read ahead, within bounds, so that a reset or an end of file is seen.

    A reset ends the attempt at once. An end of file after a complete request may be
    a client that only shut down its sending side: the answer is awaited for
    ``half_close_grace`` more, and for as long as it makes progress or waits for a client
    that reads slowly (which ``write_stall`` bounds). Then the attempt ends; whoever still listens is told so.
    """
    inbox = attempt.exchange.client.inbox
    try:
        while len(inbox.data) < READ_AHEAD:
            if not await inbox.fill():
                break
        else:
            return
    except trio.BrokenResourceError as gone:
        attempt.stop(OutcomeKind.ABANDONED, f"the client left: {gone}")
        return
    grace = attempt.exchange.timeouts.half_close_grace
    before = -1
    while before != attempt.progress or attempt.owes_client:
        before = attempt.progress
        await trio.sleep(grace)
    detail = f"the client ended its side, and no answer came within {grace:g} s"
    attempt.stop(OutcomeKind.ABANDONED, detail, Reject(504, "client_gone", detail))
