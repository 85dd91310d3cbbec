"""The load: many clients, a seeded mix of requests, and a pace.

The requests are a queue that all clients share, so a client that hangs on one does not
hold back the others, and the number of requests is the same whatever the proxy does.
"""

import math
import random
from collections.abc import Callable, Iterator
from typing import Final

import attrs
import trio

from benchmarks.ledger.client import Client, Order, open_client
from benchmarks.ledger.records import Journal, Kind

POST_SHARE: Final = 0.3
CHUNKED_SHARE: Final = 0.3
CLOSE_SHARE: Final = 0.05
SMALLEST_BYTES, LARGEST_BYTES = 0, 4000


@attrs.frozen
class Pace:
    """When clients send.

    Without ``beat_seconds`` each thinks for a random while between its requests, so that
    all of them together make ``rate`` requests a second. With it all send at once, each
    beat: then every connection is idle for about the same time, over and over, which is
    how to aim at a server's idle timeout.
    """

    rate: float = 500.0
    beat_seconds: float | None = None
    jitter_seconds: float = 0.010


@attrs.frozen
class Load:
    """What the crowd does."""

    requests: int
    clients: int = 50
    seed: int = 0
    patience_seconds: float = 20.0
    """Silence beyond this breaks L1. It must be longer than any timeout of the proxy's."""
    pace: Pace = Pace()
    answer_bytes: tuple[int, int] = (SMALLEST_BYTES, LARGEST_BYTES)


def orders(load: Load, prefix: str) -> Iterator[Order]:
    """The requests of a run, the same for the same seed; ids begin with ``prefix``."""
    rng = random.Random(load.seed)
    for number in range(load.requests):
        method = "POST" if rng.random() < POST_SHARE else "GET"
        body = (
            rng.randbytes(rng.randint(SMALLEST_BYTES, LARGEST_BYTES)) if method == "POST" else b""
        )
        yield Order(
            f"{prefix}-{number:06d}",
            method,
            body,
            chunked=method == "POST" and rng.random() < CHUNKED_SHARE,
            answer_bytes=rng.randint(*load.answer_bytes),
            answer_frame="chunked" if rng.random() < CHUNKED_SHARE else "length",
            close=rng.random() < CLOSE_SHARE,
        )


class Crowd:
    """Clients at work. Without a listener that is promised, a refused client goes home."""

    def __init__(self, load: Load, port: int, journal: Journal, *, prefix: str) -> None:
        self._load = load
        self._port = port
        self._journal = journal
        self._orders = orders(load, prefix)
        self._is_promised: Callable[[], bool] = lambda: True
        self.ended = 0
        """Requests whose outcome is known."""

    @property
    def share(self) -> float:
        """The share of the requests whose outcome is known."""
        return self.ended / self._load.requests

    def go_home_when_refused(self) -> None:
        """From now on nobody promises a listener."""
        self._is_promised = lambda: False

    async def run(self) -> None:
        """Make all requests; return when each has its outcome."""
        async with trio.open_nursery() as nursery:
            for number in range(self._load.clients):
                nursery.start_soon(self._work, random.Random(f"{self._load.seed} {number}"))

    async def _work(self, rng: random.Random) -> None:
        async with open_client(
            self._port, self._journal, patience_seconds=self._load.patience_seconds
        ) as client:
            await self._pause(rng)
            for order in self._orders:
                if not await self._make(client, order):
                    return
                await self._pause(rng)

    async def _make(self, client: Client, order: Order) -> bool:
        outcome = await client.perform(order)
        self.ended += 1
        return self._is_promised() or outcome.kind is not Kind.REFUSED

    async def _pause(self, rng: random.Random) -> None:
        pace = self._load.pace
        if pace.beat_seconds is None:
            await trio.sleep(rng.uniform(0.0, 2.0) * self._load.clients / pace.rate)
            return
        now = trio.current_time()
        next_beat = math.ceil(now / pace.beat_seconds) * pace.beat_seconds
        await trio.sleep_until(next_beat + rng.uniform(0.0, pace.jitter_seconds))
