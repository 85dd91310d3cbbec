"""Bugs in bytes and connections: what is relayed, kept, reused and closed."""

from typing import Any

from tests.sim.planted.bug import Bed, Patch, one_in
from trio_lb.control.check import _Check
from trio_lb.model.probe_result import ProbeResult
from trio_lb.net.body import ChunkedBody, LengthBody
from trio_lb.net.connection_pool import ServerConnections, UpstreamConnection
from trio_lb.proxy import respond

PATCH = Patch()


@PATCH.bug
def connection_forgotten(bed: Bed) -> None:
    """One connection in 100 is neither kept nor closed after its request."""
    leave, is_it = UpstreamConnection.__exit__, one_in(100)

    def forgets(self: UpstreamConnection, *raised: Any) -> None:
        if not is_it():
            leave(self, *raised)

    bed.replace(UpstreamConnection, "__exit__", forgets)


@PATCH.bug
def connection_kept_twice(bed: Bed) -> None:
    """One connection in 50 is kept twice, so that two requests may get it at once."""
    park, is_it = ServerConnections.park, one_in(50)

    def twice(self: ServerConnections, connection: UpstreamConnection) -> None:
        park(self, connection)
        if is_it():
            park(self, connection)

    bed.replace(ServerConnections, "park", twice)


@PATCH.bug
def answers_mixed_up(bed: Bed) -> None:
    """A connection is kept and used again although an answer is still on its way on it."""
    leave = UpstreamConnection.__exit__

    def keeps(self: UpstreamConnection, *raised: Any) -> None:
        self.is_reusable = True
        leave(self, *raised)

    def fresh_or_not(
        self: ServerConnections, now: float, *, idempotent: bool
    ) -> UpstreamConnection | None:
        connection, _ = self._plan.take(now, idempotent=idempotent)
        return connection

    bed.replace(UpstreamConnection, "__exit__", keeps)
    bed.replace(ServerConnections, "take", fresh_or_not)


@PATCH.bug
def cut_answer_called_whole(bed: Bed) -> None:
    """An answer in chunks that breaks off is passed on with a proper end."""

    def end(self: ChunkedBody) -> None:
        self._ended = True

    bed.replace(ChunkedBody, "_cut", end)


@PATCH.bug
def last_byte_lost(bed: Bed) -> None:
    """One body in 500 loses its last byte."""
    take, is_it = LengthBody.take, one_in(500)

    def cuts(self: LengthBody) -> bytes:
        piece = take(self)
        return piece[:-1] if piece and self._ended and is_it() else piece

    bed.replace(LengthBody, "take", cuts)


@PATCH.bug
def unread_body_taken_for_a_request(bed: Bed) -> None:
    """After an error of ours the client's connection goes on, with the body's rest unread."""
    bed.replace(respond, "_doubt", lambda exchange: None)


@PATCH.bug
def probe_leaves_its_connection(bed: Bed) -> None:
    """A health probe that runs into its timeout does not close its connection."""
    answer = _Check._answer

    async def careless(self: Any, probe: Any) -> ProbeResult:
        connect = self._connect

        async def unclosed(server: Any, port: int | None) -> Any:
            return _Unclosed(await connect(server, port))

        self._connect = unclosed
        return await answer(self, probe)

    bed.replace(_Check, "_answer", careless)


class _Unclosed:
    """A stream that closes only when nothing went wrong."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    async def __aenter__(self) -> Any:
        return self._stream

    async def __aexit__(self, kind: Any, error: Any, traceback: Any) -> None:
        if kind is None:
            await self._stream.aclose()
