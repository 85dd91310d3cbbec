"""The order service: ``POST /orders/tea`` reserves one tea at the inventory, and confirms."""

from collections.abc import Awaitable, Callable
from uuid import uuid4

import h11
import httpx

from orders.http import serve

TRIES = 3

Reserve = Callable[[httpx.AsyncClient, str, str], Awaitable[bool]]


async def reserve(inventory: httpx.AsyncClient, what: str, order: str) -> bool:
    """Reserve a piece for an order; try again if no answer came.

    A reservation whose answer is lost may have been made all the same, so each try carries the
    same key: the inventory knows it again.
    """
    for _ in range(TRIES):
        try:
            reply = await inventory.post(
                f"/reservations/{what}", content=order, headers={"Idempotency-Key": order}
            )
        except httpx.TransportError:
            continue
        if reply.status_code < 500:
            return reply.status_code == 201
    return False


async def run(inventory_url: str, port: int = 8000, *, reserve: Reserve = reserve) -> None:
    """Serve until cancelled."""
    async with httpx.AsyncClient(base_url=inventory_url, timeout=1.0) as inventory:

        async def answer(request: h11.Request, body: bytes) -> tuple[int, bytes]:
            method, _, what = request.target.decode().removeprefix("/").partition("/")
            if request.method != b"POST" or method != "orders":
                return 404, b"no such thing"
            order = str(uuid4())
            if await reserve(inventory, what, order):
                return 201, order.encode()
            return 503, b"come again later"

        await serve(answer, port)
