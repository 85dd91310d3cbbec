"""The second task of a request that takes longer: it uploads, then watches the client."""

from typing import Protocol

import trio

from trio_lb.model.message import Reject
from trio_lb.model.outcome import OutcomeKind
from trio_lb.net.body import BodyCut, BodyRefused
from trio_lb.net.env import Stream
from trio_lb.net.relay import Stalled, send_all
from trio_lb.proxy.exchange import Exchange

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


async def _upload(attempt: Attended) -> bool:
    """Return whether the server has the whole request."""
    timeouts = attempt.exchange.context.timeouts
    stream = attempt.server_stream
    try:
        piece = attempt.to_server
        attempt.to_server = b""
        while True:
            if piece:
                await send_all(stream, piece, timeouts.write_stall)
            if attempt.exchange.body.ended:
                break
            piece = await _next_piece(attempt)
            if not piece and not attempt.exchange.body.ended:
                return False
    except (trio.BrokenResourceError, Stalled):
        # The server reads no more, but it may have answered: its answer decides.
        attempt.await_answer()
        await _watch(attempt)
        return False
    attempt.uploaded()
    return True


async def _next_piece(attempt: Attended) -> bytes:
    """Wait for more of the client's body; b"" when it failed and the attempt was stopped."""
    seconds = attempt.exchange.context.timeouts.client_body_idle
    piece = b""
    try:
        with trio.move_on_after(seconds) as patience:
            piece = await attempt.exchange.body.receive()
    except BodyRefused as refused:
        attempt.stop(OutcomeKind.ABANDONED, str(refused), refused.reject)
    except (BodyCut, trio.BrokenResourceError) as gone:
        attempt.stop(OutcomeKind.ABANDONED, f"the client left in its body: {gone}")
    else:
        if patience.cancelled_caught:
            detail = f"no byte of the body for {seconds:g} s"
            attempt.stop(OutcomeKind.ABANDONED, detail, Reject(408, "request_timeout", detail))
    return piece


async def _watch(attempt: Attended) -> None:
    """Read ahead, within bounds, so that a reset or an end of file is seen.

    A reset ends the attempt at once. An end of file after a complete request may be
    a client that only shut down its sending side: the answer is awaited for
    ``half_close_grace`` more, and for as long as it makes progress. Then the attempt
    ends; whoever still listens is told so.
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
    grace = attempt.exchange.context.timeouts.half_close_grace
    before = -1
    while before != attempt.progress:
        before = attempt.progress
        await trio.sleep(grace)
    detail = f"the client ended its side, and no answer came within {grace:g} s"
    attempt.stop(OutcomeKind.ABANDONED, detail, Reject(504, "client_gone", detail))
