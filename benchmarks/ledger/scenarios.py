"""The stories: which fault comes when.

A story waits for shares of the load instead of instants, so that a run of any length is
the same story. What the limits are for stands in docs/ledger.md.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

import attrs
import trio

from benchmarks.ledger.crowd import Load, Pace
from benchmarks.ledger.fleet import LedgerServer, Temper, TooLate, wait_until
from benchmarks.ledger.records import Step
from benchmarks.ledger.server import Mode

if TYPE_CHECKING:
    from benchmarks.ledger.stage import Stage

FROZEN_SECONDS: Final = 2.0
DOWN_SECONDS: Final = 2.0
BACK_SECONDS: Final = 4.0
"""How long an operator waits before the next restart, come what may."""
HALVES: Final = 3
"""How many answers hang half-way before their server is killed."""


@attrs.frozen
class Limits:
    """What ours is held to, beside no violation and exit code 0. None: a figure without a limit."""

    idempotent_errors: int | None = None
    post_errors: int | None = None
    burst_fraction: float | None = None
    """Errors, as a share of what one server of three would have made of the burst."""
    error_p99_seconds: float | None = None
    recovery_seconds: float | None = None
    lost: int | None = 0
    """Requests that a server saw and whose client got no answer."""
    raced: int = 2
    """Requests that met the end of their connection, when the proxy was told to stop."""


@attrs.frozen
class Scenario:
    """A story with the servers and the pace that it needs."""

    name: str
    title: str
    story: Callable[[Stage], Awaitable[None]]
    limits: Limits
    temper: Temper = Temper()
    pace: Pace = Pace()
    answer_bytes: tuple[int, int] = (0, 4000)

    @property
    def is_calm(self) -> bool:
        """Nothing goes wrong, so that all books must be equal."""
        return self.story is calm and self.temper == Temper()

    def load(self, requests: int, seed: int) -> Load:
        """The crowd's task."""
        return Load(requests, seed=seed, pace=self.pace, answer_bytes=self.answer_bytes)


async def calm(stage: Stage) -> None:
    """Nothing happens."""
    await stage.reached(1.0)


async def kill(stage: Stage) -> None:
    """A server dies at once, and is back later."""
    await stage.reached(0.25)
    stage.servers[0].kill()
    await stage.reached(0.6)
    await stage.servers[0].start()


async def rolling(stage: Stage) -> None:
    """Each server in turn stops accepting, finishes, leaves, and is back.

    As a careful operator does, the next one waits until this one is in rotation again.
    """
    for number, server in enumerate(stage.servers):
        await stage.reached(0.1 + 0.2 * number)
        await server.leave()
        before = server.seen(Step.BEGUN)
        await server.start()
        await _wait_in_rotation(stage, server, before)


async def _wait_in_rotation(stage: Stage, server: LedgerServer, before: int) -> None:
    with contextlib.suppress(TooLate):
        await wait_until(
            lambda: stage.is_over or server.seen(Step.BEGUN) > before,
            f"{server.name} is in rotation",
            seconds=BACK_SECONDS,
        )


async def frozen(stage: Stage) -> None:
    """A server's process stops: the kernel goes on accepting, nobody answers."""
    await stage.reached(0.3)
    stage.servers[0].freeze()
    await stage.reached_or(0.7, seconds=FROZEN_SECONDS)
    stage.servers[0].thaw()


async def errors(stage: Stage) -> None:
    """A server answers 500 to everything but probes, faster than the others answer."""
    await stage.reached(0.25)
    stage.mark("burst")
    await stage.servers[0].turn(Mode.ERRORS)
    await stage.reached(0.65)
    await stage.servers[0].turn(Mode.OK)
    stage.mark("burst_over")


async def outage(stage: Stage) -> None:
    """All servers die, and are back later."""
    await stage.reached(0.2)
    for server in stage.servers:
        server.kill()
    stage.mark("down")
    await stage.reached_or(0.5, seconds=DOWN_SECONDS)
    async with trio.open_nursery() as nursery:
        for server in stage.servers:
            nursery.start_soon(_bring_back, stage, server)


async def _bring_back(stage: Stage, server: LedgerServer) -> None:
    await server.start()
    if "up" not in stage.marks:
        stage.mark("up")


async def stop(stage: Stage) -> None:
    """The proxy is told to leave, in the middle of it all."""
    await stage.reached(0.5)
    await stage.stop_proxy()


async def half(stage: Stage) -> None:
    """A server hangs in the middle of answers, and dies there."""
    server = stage.servers[0]
    await stage.reached(0.3)
    await server.turn(Mode.HALF_BODY)
    await wait_until(lambda: server.seen(Step.HALVED) >= HALVES, "answers hang", seconds=10.0)
    server.kill()
    await stage.reached(0.6)
    await server.start()


async def abrupt(stage: Stage) -> None:
    """Servers end connections instead of answering: by FIN, by RST, inside the head.

    One after the other, each for a moment, and never two at a time: an idempotent request
    always has a good server left.
    """
    modes = (Mode.RESET, Mode.HANG_UP, Mode.HALF_HEAD)
    for number, (server, mode) in enumerate(zip(stage.servers, modes, strict=True)):
        await stage.reached(0.1 + 0.3 * number)
        await server.turn(mode)
        await stage.reached(0.2 + 0.3 * number)
        await server.turn(Mode.OK)


# The idle time of 50 ms and a beat of 60 ms: an answer ends 4 to 14 ms after the beat, so
# the servers close while the next requests arrive.
_RACE: Final = Pace(beat_seconds=0.060, jitter_seconds=0.010)

SCENARIOS: Final[Sequence[Scenario]] = (
    Scenario("calm", "nothing goes wrong", calm, Limits(0, 0)),
    Scenario("kill", "kill -9 of a server under load", kill, Limits(0, 5)),
    Scenario(
        "race",
        "keep-alive race (servers close idle connections at about 50 ms)",
        calm,
        Limits(0, 25),
        Temper(idle_seconds=0.050),
        _RACE,
    ),
    Scenario(
        "rolling",
        "rolling restart of all servers",
        rolling,
        Limits(0, 5),
        pace=Pace(rate=300.0),
    ),
    Scenario("frozen", "server stopped (SIGSTOP) and continued", frozen, Limits(0, 5)),
    Scenario(
        "errors",
        "one server answers 500s for a while",
        errors,
        Limits(burst_fraction=0.1),
    ),
    Scenario(
        "outage",
        "all servers down, then up",
        outage,
        Limits(error_p99_seconds=0.1, recovery_seconds=1.0, lost=None),
        pace=Pace(rate=200.0),
    ),
    Scenario("stop", "the proxy is told to leave under load", stop, Limits(0, 0)),
    Scenario(
        "half",
        "a server dies in the middle of answers",
        half,
        Limits(lost=None),
        answer_bytes=(2_000, 20_000),
    ),
    Scenario(
        "abrupt",
        "servers close or reset instead of answering",
        abrupt,
        Limits(idempotent_errors=0, error_p99_seconds=1.0, lost=None),
    ),
)
BY_NAME: Final[Mapping[str, Scenario]] = {each.name: each for each in SCENARIOS}
