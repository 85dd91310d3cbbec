"""An application on one end of a memory stream, and a raw client on the other."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import trio

from tests.support.raw import RawClient
from trio_lb.model.address import Address
from trio_lb.net.memory import memory_stream_pair
from trio_lb.proxy.inside.origin import Origin
from trio_lb.proxy.inside.turn import Program

DATE = b"Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n"


@asynccontextmanager
async def open_origin(program: Program) -> AsyncGenerator[RawClient, None]:
    """Serve ``program`` on one connection; what is left of it is cancelled behind the block."""
    ours, theirs = memory_stream_pair(Address("lb", 0), Address("app:it", 0))
    async with trio.open_nursery() as nursery:
        origin = Origin(theirs, program, nursery, date=lambda: DATE, name="it")
        nursery.start_soon(origin.run)
        yield RawClient(ours, "client")
        nursery.cancel_scope.cancel()
