"""The scripted server: plays a case's scripts, and keeps every byte that came to it."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Final

import trio

from tests.conformance import strict
from tests.conformance.script import (
    Close,
    Gone,
    HalfClose,
    Heard,
    Reset,
    Script,
    Send,
    Sleep,
    Step,
    Tunnel,
    Usual,
    Whole,
    sized,
)
from tests.conformance.seen import BARRIER, HOUSE, End, UpstreamConnection
from tests.conformance.wire import Wire

GONE: Final = (trio.BrokenResourceError, trio.ClosedResourceError, OSError)
"""What a wire raises when the other end, or we, have ended it."""
Pause = Callable[[], Awaitable[None]]


class Ear:
    """Collects what a wire brings, and lets others wait for it."""

    def __init__(self, wire: Wire, record: UpstreamConnection) -> None:
        self.wire = wire
        self.record = record
        self._waiting = trio.lowlevel.ParkingLot()

    async def listen(self) -> None:
        """Receive until the connection ends; never raises."""
        try:
            while data := await self.wire.receive_some():
                self.record.data += data
                self._waiting.unpark_all()
            self.record.ended = End.EOF
        except GONE:
            self.record.ended = End.RESET
        self._waiting.unpark_all()

    async def wait(self, condition: Callable[[], bool]) -> bool:
        """Wait until ``condition`` holds (True) or the connection has ended (its last word)."""
        while not condition():
            if self.record.ended is not End.OPEN:
                return False
            await self._waiting.park()
        return True


async def send_pieces(wire: Wire, pieces: tuple[bytes, ...], pause: Pause) -> None:
    """Send each piece by itself; a peer that has gone is no error here."""
    with suppress(*GONE):
        for number, piece in enumerate(pieces):
            if number:
                await pause()
            await wire.send_all(piece)


class ScriptedServer:
    """Answers the requests of the case by its scripts, and any other with 200 and its target."""

    def __init__(self, pause: Pause) -> None:
        self.connections: list[UpstreamConnection] = []
        self._scripts: list[Script] = []
        self._repeat = False
        self._played = 0
        self._pause = pause
        self._open: list[trio.CancelScope] = []
        self._watching = trio.lowlevel.ParkingLot()

    def begin(self, scripts: tuple[Script, ...], *, repeat: bool = False) -> None:
        """Play these scripts from now on; close every connection of the past.

        ``repeat`` plays the last one again for every request beyond them.
        """
        for scope in self._open:
            scope.cancel()
        self._open = []
        self.connections = []
        self._scripts = list(scripts)
        self._repeat = repeat
        self._played = 0

    async def wait_for(self, data: bytes) -> None:
        """Wait until these bytes have come on any connection."""
        while not any(data in connection.data for connection in self.connections):
            await self._watching.park()

    async def wait_played(self, count: int) -> None:
        """Wait until so many requests of the case were answered, and what was sent has arrived."""
        while self._played < count:
            await self._watching.park()
        await self._pause()
        await self._pause()

    async def serve(self, wire: Wire) -> None:
        """Serve one connection until it ends."""
        record = UpstreamConnection()
        self.connections.append(record)
        ear = Ear(wire, record)
        try:
            with trio.CancelScope() as scope:
                self._open.append(scope)
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(ear.listen)
                    nursery.start_soon(self._tell, ear)
                    await self._serve_requests(ear)
                    nursery.cancel_scope.cancel()
        finally:
            with suppress(*GONE), trio.CancelScope(shield=True, deadline=trio.current_time() + 1):
                await wire.aclose()

    async def _tell(self, ear: Ear) -> None:
        """Wake those who wait for bytes at the server, for each byte that comes."""
        known = 0
        while await ear.wait(partial(_has_more_than, ear.record.data, known)):
            known = len(ear.record.data)
            self._watching.unpark_all()

    async def _serve_requests(self, ear: Ear) -> None:
        start = 0
        data = ear.record.data
        while await ear.wait(partial(_holds, data, b"\r\n", start)):
            script = self._pick(bytes(data[start:]))
            going = await self._play(script, ear, start)
            self._played += _target(data, start) not in HOUSE
            self._watching.unpark_all()
            if not going:
                return
            if not await ear.wait(partial(_is_sized, data, start)):
                return
            start += _size(data, start) or 0

    def _pick(self, data: bytes) -> Script:
        target = _target(data, 0)
        if target in HOUSE:
            # The house's connections are not kept: a case begins without an idle one.
            last = () if target == BARRIER else (Close(),)
            return (Whole(), Usual(), *last)
        if self._repeat and len(self._scripts) == 1:
            return self._scripts[0]
        return self._scripts.pop(0) if self._scripts else (Whole(), Usual())

    async def _play(self, script: Script, ear: Ear, start: int) -> bool:
        """Play one request's script; False when the connection is over."""
        for step in script:
            match step:
                case Whole():
                    going = await ear.wait(partial(_is_sized, ear.record.data, start))
                    if not going or _size(ear.record.data, start) == 0:
                        return False
                case Usual():
                    await send_pieces(ear.wire, (_default(ear.record.data, start),), self._pause)
                case Tunnel():
                    ear.record.tunnel_from = start + (_size(ear.record.data, start) or 0)
                case Heard(data=wanted):
                    if not await ear.wait(partial(_holds, ear.record.data, wanted, start)):
                        return False
                case Send(pieces=pieces):
                    await self._pause()
                    await send_pieces(ear.wire, pieces, self._pause)
                case _:
                    if not await end(step, ear):
                        return False
        return True


async def end(step: Step, ear: Ear) -> bool:
    """Play a step that ends the connection in one way or the other; False when it is over."""
    with suppress(*GONE):
        match step:
            case HalfClose():
                await ear.wire.send_eof()
            case Gone():
                await ear.wait(lambda: False)
            case Sleep(seconds=seconds):
                await trio.sleep(seconds)
            case Reset():
                ear.wire.abort()
            case _:
                await ear.wire.aclose()
    return isinstance(step, HalfClose | Sleep | Gone)


def _target(data: bytes | bytearray, start: int) -> bytes:
    return [*bytes(data[start:]).split(b" ", 2), b"", b""][1]


def _has_more_than(data: bytearray, size: int) -> bool:
    return len(data) > size


def _holds(data: bytearray, wanted: bytes, start: int) -> bool:
    return wanted in data[start:]


def _size(data: bytearray, start: int) -> int | None:
    """The size of the request that begins at ``start``; 0 when it breaks a rule."""
    try:
        message = strict.read_request(bytes(data[start:]))
    except strict.Violation:
        return 0
    return None if message is None else message.size


def _is_sized(data: bytearray, start: int) -> bool:
    return _size(data, start) is not None


def _default(data: bytearray, start: int) -> bytes:
    """200, naming the target in a field and in the body."""
    request = strict.read_request(bytes(data[start:]))
    assert request is not None
    body = b"answer to " + request.target
    lines = [b"X-Answer-To: " + request.target[:1000]]
    if request.target in HOUSE - {BARRIER}:
        lines.append(b"Connection: close")
    whole = sized(body, *lines)
    return whole[: -len(body)] if request.method == b"HEAD" else whole
