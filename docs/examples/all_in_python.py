"""Everything that may be code: servers, middleware, an algorithm and a probe.

Two ASGI applications share the requests; who is called "large" gets those that carry a body.
A probe of our own asks each whether it has any room left.

    python docs/examples/all_in_python.py
"""

from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any

import trio

import trio_lb

Messages = MutableMapping[str, Any]


class Store:
    """An ASGI application; FastAPI's, Starlette's or Quart's would stand here just so."""

    def __init__(self, name: str, room: int) -> None:
        self.name = name
        self.room = room

    async def __call__(
        self,
        scope: Messages,
        receive: Callable[[], Awaitable[Messages]],
        send: Callable[[Messages], Awaitable[None]],
    ) -> None:
        """Take what is sent, and say how much room is left."""
        assert scope["type"] == "http"  # It has no lifespan to speak of, and says so.
        is_more = True
        while is_more:
            message = await receive()
            self.room -= len(message.get("body", b""))
            is_more = message.get("more_body", False)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        text = f"{self.name} has room for {self.room}"
        await send({"type": "http.response.body", "body": text.encode()})


STORES = {"small": Store("small", 10), "large": Store("large", 1000)}


async def has_room(server: trio_lb.Server) -> trio_lb.ProbeResult:
    """Say whether a server is well; raising would mean that it is not, too."""
    store = STORES[server.id]
    return trio_lb.ProbeResult(store.room > 0, error="it is full")


def by_size(candidates: Sequence[trio_lb.Server], context: trio_lb.Context) -> trio_lb.Server:
    """Choose; ``context.key`` is what ``hash_key`` names. All candidates are usable."""
    wanted = "large" if context.key == "body" else "small"
    return next((one for one in candidates if one.id == wanted), candidates[0])


async def mark_bodies(
    request: trio_lb.Request, context: trio_lb.MiddlewareContext, call_next: trio_lb.CallNext
) -> trio_lb.Response:
    """Stand around each request: look, change, and name the server in the answer."""
    request.headers["X-Kind"] = "body" if await request.read() else "none"
    response = await call_next(request)
    response.headers["X-Server"] = context.server.id if context.server else "none"
    return response


CONFIG = {
    "servers": [{"id": name, "app": store} for name, store in STORES.items()],
    "algorithm": by_size,
    "hash_key": "header:X-Kind",
    "health_check": {"type": "custom", "check": has_room, "interval": "1s"},
}


async def main() -> None:
    """Send a few requests through it; no listener is needed for that."""
    async with trio_lb.open_load_balancer(CONFIG, middleware=[mark_bodies]) as lb:
        await lb.wait_ready()
        await lb.health.check_all()
        for method, body in [("GET", b""), ("PUT", b"a photo"), ("GET", b"")]:
            request = trio_lb.Request(method, "/", {"Host": "store"}, body)
            async with await lb.route(request) as response:
                text = (await response.read()).decode()
                print(method, response.headers["X-Server"], "->", text)
        STORES["small"].room = 0
        for _ in range(3):
            await lb.health.check_server("small")
        async with await lb.route(trio_lb.Request("GET", "/", {"Host": "store"})) as response:
            print("then", (await response.read()).decode())


if __name__ == "__main__":
    trio.run(main)

# What it prints:
# GET small -> small has room for 10
# PUT large -> large has room for 993
# GET small -> small has room for 10
# then large has room for 993
