"""The applications of a balancer: hosted once, entered while wanted, seen off in peace."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio

from tests.support.messages import Message
from tests.support.raw import RawClient
from tests.support.world import World
from trio_lb.net.env import ConnectError
from trio_lb.proxy.inside.apps import LEAVE_SECONDS, App, Apps, open_apps

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


class Noted:
    """An ASGI application that notes what happens to it; a request takes ``think_seconds``."""

    def __init__(self, *, stop_seconds: float = 0.0, think_seconds: float = 0.0) -> None:
        self.notes: list[tuple[str, float]] = []
        self._stop_seconds = stop_seconds
        self._think_seconds = think_seconds

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Speak both protocols."""
        if scope["type"] == "lifespan":
            await receive()
            self._note("up")
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await trio.sleep(self._stop_seconds)
            self._note("down")
            return
        try:
            await trio.sleep(self._think_seconds)
        except trio.Cancelled:
            self._note("cut")
            raise
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"noted"})

    def _note(self, what: str) -> None:
        self.notes.append((what, trio.current_time()))


def ignore(app: App) -> None:
    """Hear nothing of starts."""


@asynccontextmanager
async def entered(apps: Apps, app: object) -> AsyncGenerator[RawClient, None]:
    async with await apps.enter(app) as stream:
        yield RawClient(stream, "client")


async def asked(apps: Apps, app: object) -> Message:
    async with entered(apps, app) as client:
        await client.send(GET)
        return await client.read_response()


async def test_it_is_hosted_once_and_leaves_with_the_last_who_wants_it(world: World) -> None:
    noted = Noted()
    async with open_apps(world.env) as apps:
        first, second = apps.host(noted, ignore), apps.host(noted, ignore)
        assert first is second
        assert (await asked(apps, noted)).body == b"noted"
        apps.release(first)
        await trio.sleep(1.0)
        assert noted.notes == [("up", 0.0)]
        apps.release(second)
        await trio.sleep(1.0)
        assert noted.notes == [("up", 0.0), ("down", 1.0)]
        with pytest.raises(ConnectError, match="app Noted is not here any more"):
            await apps.enter(noted)


async def test_turns_end_before_it_stops_but_not_for_ever(world: World) -> None:
    quick, slow = Noted(think_seconds=5.0), Noted(think_seconds=1000.0)
    async with open_apps(world.env) as apps:
        hosted = [apps.host(each, ignore) for each in (quick, slow)]
        async with entered(apps, quick) as one, entered(apps, slow) as other:
            await one.send(GET)
            await other.send(GET)
            await trio.sleep(1.0)
            for each in hosted:
                apps.release(each)
            assert (await one.read_response()).body == b"noted"
            assert (await other.read_response()).status == 500
    assert quick.notes == [("up", 0.0), ("down", 5.0)]
    cut_at = 1.0 + LEAVE_SECONDS
    assert slow.notes == [("up", 0.0), ("cut", cut_at), ("down", cut_at)]


async def test_one_that_is_wanted_again_in_time_just_stays(world: World) -> None:
    noted = Noted(think_seconds=5.0)
    async with open_apps(world.env) as apps:
        hosted = apps.host(noted, ignore)
        async with entered(apps, noted) as client:
            await client.send(GET)
            await trio.sleep(1.0)
            apps.release(hosted)
            assert apps.host(noted, ignore) is hosted
            await client.read_response()
            await trio.sleep(60.0)
        assert noted.notes == [("up", 0.0)]


async def test_one_that_comes_back_while_it_stops_lives_again_after_that(world: World) -> None:
    noted = Noted(stop_seconds=3.0)
    async with open_apps(world.env) as apps:
        hosted = apps.host(noted, ignore)
        await trio.sleep(1.0)
        apps.release(hosted)
        await trio.sleep(1.0)
        apps.host(noted, ignore)
        assert (await asked(apps, noted)).body == b"noted"
        assert noted.notes == [("up", 0.0), ("down", 4.0), ("up", 4.0)]


async def test_the_end_cancels_turns_first_and_stops_lives_then(world: World) -> None:
    noted = Noted(stop_seconds=2.0, think_seconds=1000.0)
    with trio.move_on_after(1.0):
        async with open_apps(world.env) as apps:
            apps.host(noted, ignore)
            async with entered(apps, noted) as client:
                await client.send(GET)
                await trio.sleep_forever()
    assert noted.notes == [("up", 0.0), ("cut", 1.0), ("down", 3.0)]
