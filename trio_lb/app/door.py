"""The door: how requests of the same program come in, without a socket.

A stream through the door is one end of a memory stream whose other end is served exactly
as a listener's connection is: admitted against the same limits, counted with them, drained
by the same stop, cut by its deadline. It lives in a nursery of the balancer's, so whoever
goes through needs none, and nothing outlives the balancer.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

import trio

from trio_lb.model.address import Address
from trio_lb.model.events import RequestShed
from trio_lb.net.env import Stream
from trio_lb.net.memory import MemoryStream, memory_stream_pair
from trio_lb.proxy.answer_out import error_answer
from trio_lb.proxy.connection import ClientConnection
from trio_lb.proxy.context import ProxyContext
from trio_lb.proxy.dispatch import Router
from trio_lb.proxy.listener import Connections

HERE: Final = Address("127.0.0.1", 0)
"""Who comes in through the door when nothing else is said: somebody on this machine."""


class Door:
    """The way in for one balancer; open while ``open_door``'s block runs."""

    def __init__(self, context: ProxyContext, connections: Connections, stop: trio.Event) -> None:
        """Serve with ``connections``; from ``stop`` on, turn everybody away."""
        self._context = context
        self._connections = connections
        self._stop = stop
        self._nursery: trio.Nursery | None = None

    def enter(self, router: Router, client: Address | None, scheme: str) -> Stream:
        """Let ``client`` in, and return its end of the stream, which it owns.

        Whoever is over a limit, or comes after a stop, finds a 503 on it.

        Raises:
          trio.ClosedResourceError: the balancer has ended.
        """
        if self._nursery is None:
            raise trio.ClosedResourceError("this load balancer has ended")
        theirs, ours = memory_stream_pair(client or HERE, HERE)
        is_named = client is not None  # The program itself is nobody's client.
        reason = self._connections.limit_met(ours, is_named=is_named)
        if self._stop.is_set():
            self._turn_away(ours)
        elif reason is not None:
            self._nursery.start_soon(self._connections.refuse, ours, reason)
        else:
            guest = ClientConnection(self._context, router, ours, scheme=scheme)
            self._connections.admit(guest, ours, is_named=is_named)
            self._nursery.start_soon(self._connections.serve, guest, ours)
        return theirs

    def start_soon(self, task: Callable[[], Awaitable[object]], name: str) -> None:
        """Run what belongs to somebody who came in and was not turned away."""
        assert self._nursery is not None, "nobody comes in through a closed door"
        self._nursery.start_soon(task, name=name)

    def cut(self) -> None:
        """End everything that came in."""
        if self._nursery is not None:
            self._nursery.cancel_scope.cancel()

    def _turn_away(self, stream: MemoryStream) -> None:
        """A few bytes fit without a wait, so no task is needed: none would be left to run it."""
        context = self._context
        context.bus.publish(RequestShed(at=context.env.now(), reason="shutdown"))
        answer = error_answer(
            503,
            "shutting_down",
            "the proxy is about to stop",
            request_id=context.env.token(16),
            date=context.date_line(),
        )
        stream.send_nowait(answer)
        stream.close()

    async def service(self, *, task_status: trio.TaskStatus[None]) -> None:
        """Hold the nursery, which ``cut`` may end while the balancer itself lives on."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            task_status.started()
            await trio.sleep_forever()


@asynccontextmanager
async def open_door(door: Door) -> AsyncGenerator[None, None]:
    """Hold the door open for a block; at its end everything that came in is cut."""
    async with trio.open_nursery() as nursery:
        await nursery.start(door.service)
        try:
            yield
        finally:
            door.cut()
            door._nursery = None
