"""The inventory service: ``POST /reservations/tea`` puts one tea aside for an order."""

from collections import Counter

import h11
import trio

from orders.http import serve


class Stock:
    """The database that all replicas share; here a list of the orders that got a piece."""

    def __init__(self) -> None:
        self.reserved_for: list[str] = []
        self.keys: set[str] = set()
        self.asked_again = 0

    async def reserve(self, order: str, key: str | None) -> None:
        """Put a piece aside, unless that was done under this key before."""
        await trio.sleep(0.02)  # What the database takes.
        if key is not None and key in self.keys:
            self.asked_again += 1
            return
        if key is not None:
            self.keys.add(key)
        self.reserved_for.append(order)

    def reserved_twice(self) -> list[str]:
        """Return the orders that got more than was paid for."""
        return [order for order, pieces in Counter(self.reserved_for).items() if pieces > 1]


async def run(stock: Stock, port: int = 8000) -> None:
    """Serve until cancelled."""

    async def answer(request: h11.Request, body: bytes) -> tuple[int, bytes]:
        if request.method != b"POST" or not request.target.startswith(b"/reservations/"):
            return 404, b"no such thing"
        key = dict(request.headers).get(b"idempotency-key")
        await stock.reserve(body.decode(), None if key is None else key.decode())
        return 201, b"reserved"

    await serve(answer, port)
