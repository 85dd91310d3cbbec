"""The demo's client: it asks at a steady pace, whatever becomes of the answers."""

from collections.abc import Callable
from typing import Final

import h11
import trio

from trio_lb.model.address import Address
from trio_lb.net.env import ConnectError, Env
from trio_lb.net.relay import Stalled, send_all

USER_AGENT: Final = "trio-lb-demo"
PATIENCE_SECONDS: Final = 5.0

_READ_BYTES: Final = 64 * 1024


async def ask_steadily(
    env: Env, front: Address, per_second: float, on_failure: Callable[[], None]
) -> None:
    """Send ``per_second`` GETs a second until cancelled; each on a connection of its own."""
    async with trio.open_nursery() as nursery:
        due = env.now()
        while True:
            nursery.start_soon(_ask, env, front, on_failure, name="demo request")
            due += 1 / per_second
            await trio.sleep_until(due)


async def _ask(env: Env, front: Address, on_failure: Callable[[], None]) -> None:
    with trio.move_on_after(PATIENCE_SECONDS):
        try:
            if await get(env, front) == 200:
                return
        except (ConnectError, trio.BrokenResourceError, Stalled, h11.RemoteProtocolError):
            pass
    on_failure()


async def get(env: Env, front: Address) -> int:
    """Send one GET and return the status of its complete answer.

    Raises:
      ConnectError, trio.BrokenResourceError, h11.RemoteProtocolError: there was none.
    """
    conversation = h11.Connection(h11.CLIENT)
    headers = [("Host", str(front)), ("User-Agent", USER_AGENT), ("Connection", "close")]
    request = h11.Request(method="GET", target="/", headers=headers)
    status = 0
    async with await env.network.connect(front) as stream:
        data = [conversation.send(request), conversation.send(h11.EndOfMessage())]
        await send_all(stream, b"".join(each or b"" for each in data), PATIENCE_SECONDS)
        while True:
            match conversation.next_event():
                case h11.NEED_DATA:
                    conversation.receive_data(await stream.receive_some(_READ_BYTES))
                case h11.Response(status_code=status):
                    pass
                case h11.EndOfMessage():
                    return status
