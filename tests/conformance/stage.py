"""The stage: a client and a scripted server on both sides of a proxy, and one play of a case.

Every wait is for a condition, with a limit (``patience``) that only a wrong proxy
meets. The stage may serve many plays one after the other; the server forgets its
connections between them.
"""

from contextlib import suppress

import attrs
import trio

from tests.conformance.script import (
    Answers,
    Case,
    Ending,
    Heard,
    Played,
    Reached,
    Send,
    Sleep,
    Step,
    head,
)
from tests.conformance.seen import BARRIER, End, Seen, UpstreamConnection
from tests.conformance.server import GONE, Ear, Pause, ScriptedServer, end, send_pieces
from tests.conformance.wire import Connect, Wire

_SOON_IDLE_SECONDS = 60.0
"""A bystander that was silent for longer may find its connection closed."""


@attrs.define
class Stage:
    """A proxy between ``connect`` and ``server``."""

    connect: Connect
    server: ScriptedServer
    pause: Pause
    """Lets what was sent arrive before more is sent."""
    patience: float
    """The longest wait of a step, seconds: above every timeout of the proxy."""
    closing: float
    """The longest wait for a close that is due now, seconds: below its idle timeouts."""
    client_host: bytes = b"127.0.0.1"
    """Where the proxy sees the client."""


class RawClient:
    """One client connection that plays a script and keeps all that it hears."""

    def __init__(self, wire: Wire, stage: Stage, methods: tuple[bytes, ...]) -> None:
        self.ear = Ear(wire, UpstreamConnection())
        self.stage = stage
        self.methods = methods
        self.barrier_sent = False
        self.stuck: str | None = None

    def seen(self) -> Seen:
        """What was heard up to now."""
        return Seen(
            heard=bytes(self.ear.record.data),
            ended=self.ear.record.ended,
            methods=self.methods,
            upstream=self.stage.server.connections,
            client_host=self.stage.client_host,
            barrier_sent=self.barrier_sent,
            stuck=self.stuck,
        )

    async def play(self, case: Case) -> None:
        """Play the case's steps, wait for its answers, and end as it says."""
        for step in (*case.client, Answers(case.answers)):
            if not await self._within(self.stage.patience, step):
                return
        if self.ear.record.ended is End.OPEN:
            await self._end_as(case)

    async def _end_as(self, case: Case) -> None:
        finals = self.seen().flow.finals
        closes = bool(finals) and b"close" in finals[-1].head.options(b"connection")
        if case.ending is Ending.CLOSED or closes:
            with trio.move_on_after(self.stage.closing):
                await self.ear.wait(lambda: False)
            return
        if case.ending is Ending.NOTHING:
            return
        self.barrier_sent = True
        barrier = Send((head(target=BARRIER),))
        await self._within(self.stage.patience, barrier)
        await self._within(self.stage.patience, Answers(case.answers + 1))

    async def _within(self, seconds: float, step: Step) -> bool:
        if isinstance(step, Sleep):
            seconds += step.seconds
        with trio.move_on_after(seconds) as scope:
            await self._step(step)
        if scope.cancelled_caught:
            self.stuck = f"{step!r:.120} waited {seconds:g} s in vain"
        return not scope.cancelled_caught

    async def _step(self, step: Step) -> None:
        match step:
            case Send(pieces=pieces):
                await send_pieces(self.ear.wire, pieces, self.stage.pause)
            case Answers(count=count):
                await self.ear.wait(lambda: self._has(count))
            case Heard(data=data):
                await self.ear.wait(lambda: data in self.ear.record.data)
            case Reached(data=data):
                await self.stage.server.wait_for(data)
            case Played(count=count):
                await self.stage.server.wait_played(count)
            case _:
                await end(step, self.ear)

    def _has(self, count: int) -> bool:
        flow = self.seen().flow
        return flow.violation is not None or len(flow.finals) >= count


async def play(case: Case, stage: Stage) -> Seen:
    """Play ``case`` on ``stage``, with a bystander beside it and a clean request after it."""
    stage.server.begin(case.server, repeat=case.repeat)
    async with trio.open_nursery() as nursery:
        bystander = await _house_client(stage, nursery)
        before = await _ask(bystander, b"/bystander", 1)
        since = trio.current_time()
        client = RawClient(await stage.connect(), stage, case.methods)
        nursery.start_soon(client.ear.listen)
        await client.play(case)
        seen = client.seen()
        with suppress(*GONE):
            await client.ear.wire.aclose()
        if trio.current_time() - since < _SOON_IDLE_SECONDS:
            before = before or await _ask_again(bystander)
        seen.bystander = before
        seen.alive = await _ask(await _house_client(stage, nursery), b"/alive", 1)
        nursery.cancel_scope.cancel()
    return seen


async def _house_client(stage: Stage, nursery: trio.Nursery) -> RawClient:
    client = RawClient(await stage.connect(), stage, (b"GET",) * 2)
    nursery.start_soon(_listen_and_close, client)
    return client


async def _listen_and_close(client: RawClient) -> None:
    try:
        await client.ear.listen()
        await trio.sleep_forever()
    finally:
        with suppress(*GONE), trio.CancelScope(shield=True, deadline=trio.current_time() + 1):
            await client.ear.wire.aclose()


async def _ask_again(bystander: RawClient) -> str | None:
    """Use the bystander's connection once more, unless the proxy said that it would close it."""
    first = bystander.seen().flow.finals[0]
    if b"close" in first.head.options(b"connection"):
        return None
    return await _ask(bystander, b"/bystander", 2)


async def _ask(client: RawClient, target: bytes, count: int) -> str | None:
    """Ask for ``target`` and say what is wrong with the answer, the ``count``-th there."""
    await client._within(client.stage.patience, Send((head(target=target),)))
    await client._within(client.stage.patience, Answers(count))
    finals = client.seen().flow.finals
    if len(finals) == count and finals[-1].body == b"answer to " + target:
        return None
    return (
        f"{target.decode()}: {client.stuck or 'no good answer'}; heard {client.seen().heard!r:.200}"
    )
