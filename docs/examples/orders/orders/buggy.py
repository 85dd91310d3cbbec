"""How the order service reserved at first. It works every day, until an answer is late."""

import httpx

from orders.service import TRIES


async def reserve(inventory: httpx.AsyncClient, what: str, order: str) -> bool:
    """Reserve a piece for an order; try again if no answer came."""
    for _ in range(TRIES):
        try:
            reply = await inventory.post(f"/reservations/{what}", content=order)
        except httpx.TransportError:
            continue
        if reply.status_code < 500:
            return reply.status_code == 201
    return False
