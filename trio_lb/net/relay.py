"""Sending with an end in sight: every wait for room is bounded by progress."""

import trio

from trio_lb.net.env import Stream


class Stalled(Exception):
    """The peer took nothing for as long as a write may stall."""


async def send_all(stream: Stream, data: bytes | memoryview, stall_seconds: float) -> None:
    """Send all of ``data``; what the transport takes at once costs no checkpoint.

    Raises:
      Stalled: no byte was taken for ``stall_seconds``.
      trio.BrokenResourceError: the peer is gone.
    """
    sent = stream.send_nowait(data)
    if sent < len(data):
        await _send_slowly(stream, memoryview(data)[sent:], stall_seconds)


async def _send_slowly(stream: Stream, rest: memoryview, stall_seconds: float) -> None:
    with trio.CancelScope(deadline=trio.current_time() + stall_seconds) as scope:
        while rest:
            rest = rest[await stream.send_some(rest) :]
            scope.deadline = trio.current_time() + stall_seconds
    if scope.cancelled_caught:
        raise Stalled(f"{stream.peer} took nothing for {stall_seconds:g} s")


async def linger(stream: Stream, seconds: float) -> None:
    """Let the peer read our last words: end our side, discard its bytes, for a while.

    Closing with unread bytes would reset the connection, and the reset may overtake
    the answer (RFC 9112 section 9.6).
    """
    with trio.move_on_after(seconds):
        try:
            await stream.send_eof()
            while await stream.receive_some(64 * 1024):
                pass
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return  # It is gone, and has read or lost whatever there was.
