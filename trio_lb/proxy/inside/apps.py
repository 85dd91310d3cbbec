"""Applications that are servers: hosted while anybody wants them, entered by memory streams.

    host --> lifespan starts --> enter, enter, ... --> release --> turns end --> lifespan stops

An application is hosted once, however many servers it is: it starts with the first and
stops with the last. Two nurseries hold everything: lives (lifespans, which are shielded
until they are told to stop) around visits (connections and turns, which are just cancelled).
"""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import trio

from trio_lb.model.address import Address
from trio_lb.net.env import ConnectError, Env, Stream
from trio_lb.net.memory import memory_stream_pair
from trio_lb.proxy.answer_out import DateLine
from trio_lb.proxy.inside.asgi import AsgiCall
from trio_lb.proxy.inside.entry import Kind, kind_of, load, name_of
from trio_lb.proxy.inside.handler import handle
from trio_lb.proxy.inside.lifespan import Lifespan, LifeState
from trio_lb.proxy.inside.origin import Origin
from trio_lb.proxy.inside.turn import Turn

LEAVE_SECONDS: Final = 30.0
"""How long the turns of an application that is wanted no more may last; then they are cut."""

_US: Final = Address("lb", 0)

Settled = Callable[["App"], None]
"""Hears of an application that has started, or failed to."""


class App:
    """One application that is hosted. Made by ``Apps.host``.

    ``users`` counts the servers that it is. ``turns`` are the requests that it has.
    """

    def __init__(self, code: Any, name: str, on_settled: Settled) -> None:
        self.name = name
        self.users = 0
        self.turns: dict[Turn, None] = {}
        self.ended = trio.Event()
        self._code = code
        self._settled = trio.Event()
        self._idle = trio.Event()
        self._on_settled = on_settled
        self.lifespan: Lifespan | None = None
        if kind_of(code) is Kind.ASGI:
            self.lifespan = Lifespan(code, name, self._has_settled)
        else:
            self._settled.set()

    def _has_settled(self) -> None:
        self._settled.set()
        if not self.has_ended:
            self._on_settled(self)

    @property
    def has_ended(self) -> bool:
        """Whether it was stopped; the functions of a request never are."""
        return self.lifespan is not None and self.lifespan.phase is LifeState.ENDED

    @property
    def is_starting(self) -> bool:
        """Whether it can't take requests yet."""
        return not self._settled.is_set()

    @property
    def why_not(self) -> str:
        """Why it takes no requests, though it is not starting; empty when it does."""
        life = self.lifespan
        return life.why if life is not None and life.phase is LifeState.FAILED else ""

    async def wait_settled(self) -> None:
        """Wait until it takes requests, or is known to take none."""
        await self._settled.wait()

    async def wait_idle(self) -> None:
        """Wait until no turn is left."""
        while self.turns:
            self._idle = trio.Event()
            await self._idle.wait()

    async def take(self, turn: Turn) -> None:
        """Answer one turn; raises whatever the application does."""
        self.turns[turn] = None
        try:
            await self._answer(turn)
        finally:
            del self.turns[turn]
            if not self.turns:
                self._idle.set()

    async def _answer(self, turn: Turn) -> None:
        life = self.lifespan
        if life is None:
            await handle(self._code, turn)
            return
        await AsgiCall(self._code, life.state or None, turn)()


class Apps:
    """The applications of one balancer. Made by ``open_apps``, in whose block it lives."""

    def __init__(self, env: Env, visits: trio.Nursery, lives: trio.Nursery) -> None:
        self._env = env
        self._visits = visits
        self._lives = lives
        self._date = DateLine()
        self._hosted: dict[int, App] = {}
        self._ending: dict[int, App] = {}

    def check(self, app: object) -> None:
        """Import what ``app`` names, and see that it can be called.

        Raises:
          ConfigError: one of them fails.
        """
        kind_of(load(app))

    def host(self, app: object, on_settled: Settled) -> App:
        """Start an application, or share it if it is here already.

        ``on_settled`` of the first to host it hears how its start ended, later ones don't.

        Raises:
          ConfigError: see ``check``.
        """
        code = load(app)
        hosted = self._hosted.get(id(code))
        if hosted is None:
            hosted = self._hosted[id(code)] = App(code, name_of(app), on_settled)
            if hosted.lifespan is not None:
                before = self._ending.get(id(code))
                self._lives.start_soon(self._live, hosted, hosted.lifespan, before)
        hosted.users += 1
        return hosted

    async def _live(self, app: App, lifespan: Lifespan, before: App | None) -> None:
        """Live once; never twice at a time, when it comes back while it is still stopping."""
        if before is not None:
            await before.ended.wait()
        await lifespan.run()
        app.ended.set()

    def release(self, app: App) -> None:
        """Want an application for one server less; the last one sends it away."""
        app.users -= 1
        if not app.users:
            self._visits.start_soon(self._see_off, app)

    async def _see_off(self, app: App) -> None:
        """Stop an application when its turns have ended, unless it is wanted again by then."""
        with trio.move_on_after(LEAVE_SECONDS):
            await app.wait_idle()
        key = id(app._code)
        if app.users or self._hosted.get(key) is not app:
            return
        del self._hosted[key]
        for turn in app.turns:
            turn.scope.cancel()
        if app.lifespan is not None:
            self._ending[key] = app
            app.lifespan.stop()
            await app.ended.wait()
            if self._ending.get(key) is app:
                del self._ending[key]

    def close(self) -> None:
        """Tell every application to stop."""
        for app in self._hosted.values():
            if app.lifespan is not None:
                app.lifespan.stop()

    async def enter(self, app: object) -> Stream:
        """Open a stream to an application that is hosted; waits while it starts.

        Raises:
          ConnectError: it did not start, or is not hosted.
        """
        hosted = self._hosted.get(id(load(app)))
        if hosted is None:
            raise ConnectError(f"app {name_of(app)} is not here any more")
        await hosted.wait_settled()
        if hosted.has_ended:
            raise ConnectError(f"app {hosted.name} was stopped before it had started")
        if hosted.why_not:
            raise ConnectError(f"its app did not start: {hosted.why_not}")
        await trio.lowlevel.checkpoint()
        ours, theirs = memory_stream_pair(_US, Address(f"app:{hosted.name}", 0))
        origin = Origin(theirs, hosted.take, self._visits, date=self._date_line, name=hosted.name)
        self._visits.start_soon(origin.run, name=f"visit to app {hosted.name}")
        return ours

    def _date_line(self) -> bytes:
        return self._date.at(self._env.wall())


@asynccontextmanager
async def open_apps(env: Env) -> AsyncGenerator[Apps, None]:
    """Host applications for as long as the block runs.

    Checkpoints: none on entry. The exit cancels what they are at, and then waits until
    each has stopped, which is bounded (``lifespan.SHUTDOWN_SECONDS``).
    """
    async with trio.open_nursery() as lives:
        apps = None
        try:
            async with trio.open_nursery() as visits:
                apps = Apps(env, visits, lives)
                yield apps
                visits.cancel_scope.cancel()
        finally:
            if apps is not None:
                apps.close()
