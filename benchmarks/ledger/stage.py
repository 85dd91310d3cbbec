"""One scenario on one proxy: opens everything, runs load and story, then reads the books."""

import contextlib
import math
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import attrs
import trio

from benchmarks import machine
from benchmarks.ledger import accounts, checker, footprint
from benchmarks.ledger.checker import Books, Violation
from benchmarks.ledger.client import Order, open_client
from benchmarks.ledger.crowd import Crowd, Load
from benchmarks.ledger.fleet import LedgerServer, TooLate, accepts, open_fleet, wait_until
from benchmarks.ledger.footprint import Footprint
from benchmarks.ledger.proxies import Proxy, Setup
from benchmarks.ledger.records import Intent, Journal, Outcome, now, read_journal
from benchmarks.ledger.scenarios import Scenario
from benchmarks.program import Program, open_program

SERVERS: Final = 3
READY_WITHIN_SECONDS: Final = 20.0
STORY_WITHIN_SECONDS: Final = 60.0
STOP_WITHIN_SECONDS: Final = 35.0
"""A drain of 30 s, and some."""
STATISTICS_WITHIN_SECONDS: Final = 5.0
POLL_SECONDS: Final = 0.02
LOAD: Final = "load"
"""The ids of the requests that figures are made of begin so; readiness and warm-up come before."""


@attrs.frozen
class Run:
    """What came of one scenario on one proxy. ``marks`` are the instants of its story."""

    scenario: str
    proxy: str
    books: Books
    violations: Sequence[Violation]
    marks: Mapping[str, float]
    exit_code: int | None


@attrs.frozen
class Scene:
    """A proxy that runs before its servers."""

    proxy: Proxy
    setup: Setup
    servers: Sequence[LedgerServer]
    program: Program

    async def stop(self) -> None:
        """Send the proxy its graceful signal; return when it has ended.

        Raises:
          TooLate: it does not end.
        """
        os.kill(self.program.process.pid, self.proxy.graceful)
        await self._wait_end("the proxy ends")

    async def _wait_end(self, what: str) -> None:
        ended = self.program.process.poll
        await wait_until(lambda: ended() is not None, what, seconds=STOP_WITHIN_SECONDS)

    def footprint(self) -> Footprint:
        """What the proxy holds now."""
        return footprint.take(self.program.process.pid)


class Stage:
    """What a story acts on: the servers, the crowd's progress, and the proxy's process."""

    def __init__(self, scene: Scene, crowd: Crowd) -> None:
        self.servers = scene.servers
        self.marks: dict[str, float] = {}
        self._scene = scene
        self._crowd = crowd

    def mark(self, name: str) -> None:
        """Write down the instant, for the figures."""
        self.marks[name] = now()

    @property
    def is_over(self) -> bool:
        """Whether every request has ended."""
        return self._crowd.share >= 1.0

    async def reached(self, share: float) -> None:
        """Wait until this share of the requests has ended.

        Raises:
          TooLate: the proxy does not get there.
        """
        await self._wait_share(share, STORY_WITHIN_SECONDS)

    async def reached_or(self, share: float, *, seconds: float) -> None:
        """The same for a fault that holds requests up: it ends after ``seconds`` at the latest."""
        with contextlib.suppress(TooLate):
            await self._wait_share(share, seconds)

    async def stop_proxy(self) -> None:
        """Tell the proxy to finish and leave, and wait until it has."""
        self.mark("stop")
        self._crowd.go_home_when_refused()
        await self._scene.stop()
        self.mark("stopped")

    async def _wait_share(self, share: float, seconds: float) -> None:
        await wait_until(
            lambda: self._crowd.share >= share, f"{share:.0%} of the requests", seconds=seconds
        )


async def perform(
    scenario: Scenario,
    proxy: Proxy,
    *,
    requests: int,
    seed: int = 0,
    check_release: bool = True,
    keep: Path | None = None,
) -> Run:
    """Run one scenario and check its books.

    ``check_release`` waits up to 10 s after the load for L7; without it L7 is not checked.
    ``keep`` is a new folder for all journals and logs, for whoever wants to know why.

    Raises:
      ProgramFailed: a program did not start.
      TooLate: the harness waited in vain. A request that hangs is an outcome instead.
    """
    async with open_scene(scenario, proxy) as scene:
        with Journal(scene.setup.folder / "clients.jsonl") as journal:
            await _wait_until_ready(scene, journal)
            before = scene.footprint()
            await _crowd(scene, journal, Load(requests // 10, seed=seed), "warm").run()
            warm = scene.footprint()
            marks = await _play(scenario, scene, journal, scenario.load(requests, seed))
        released: list[Violation] = []
        if "stop" not in marks:
            if check_release:
                released = await _wait_release(scene, before, warm)
            await _wait_statistics(scene)
            await scene.stop()
        books = _books(scene, marks)
        if keep is not None:
            shutil.copytree(scene.setup.folder, keep, dirs_exist_ok=True)
        return Run(
            scenario.name,
            proxy.name,
            books,
            [*checker.check(books), *_check_accounts(scenario, scene, books), *released],
            marks,
            scene.program.process.returncode,
        )


@contextlib.asynccontextmanager
async def open_scene(scenario: Scenario, proxy: Proxy) -> AsyncIterator[Scene]:
    """Servers and proxy, running; both have ended when the block has."""
    machine.raise_file_limit()
    cores = machine.Cores.of(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory(prefix="trio_lb-ledger-") as name:
        folder = Path(name)
        async with open_fleet(SERVERS, folder, core=cores.load, temper=scenario.temper) as servers:
            setup = Setup(machine.free_port(), [each.port for each in servers], folder)
            command = proxy.command(setup)
            with open_program(
                proxy.name,
                command,
                core=cores.proxy,
                folder=folder,
                environment=proxy.environment(setup),
            ) as program:
                yield Scene(proxy, setup, servers, program)


async def _wait_until_ready(scene: Scene, journal: Journal) -> None:
    """Make requests until each server has answered one: then all are in rotation."""
    missing = {each.name for each in scene.servers}
    number = 0
    with trio.move_on_after(READY_WITHIN_SECONDS):
        while not await accepts(scene.setup.port):
            scene.program.check()
            await trio.sleep(POLL_SECONDS)
        while missing:
            async with open_client(scene.setup.port, journal, patience_seconds=5.0) as client:
                outcome = await client.perform(Order(f"ready-{number}"))
            missing.discard(outcome.server or "")
            number += 1
            await trio.sleep(POLL_SECONDS)
        return
    raise TooLate(f"{scene.proxy.name} never reached {', '.join(sorted(missing))}")


def _crowd(scene: Scene, journal: Journal, load: Load, prefix: str) -> Crowd:
    return Crowd(load, scene.setup.port, journal, prefix=prefix)


async def _play(
    scenario: Scenario, scene: Scene, journal: Journal, load: Load
) -> Mapping[str, float]:
    """Load and story side by side."""
    crowd = _crowd(scene, journal, load, LOAD)
    stage = Stage(scene, crowd)
    stage.mark("start")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(crowd.run)
        await scenario.story(stage)
    stage.mark("end")
    return stage.marks


async def _wait_release(scene: Scene, before: Footprint, warm: Footprint) -> list[Violation]:
    """L7. Idle upstream connections may still be kept for their time."""
    with contextlib.suppress(TooLate):
        await wait_until(
            lambda: scene.footprint().descriptors <= before.descriptors,
            "descriptors are let go",
            seconds=footprint.LET_GO_WITHIN_SECONDS,
        )
    after = scene.footprint()
    return [
        *footprint.check_descriptors(before, after),
        *footprint.check_memory(warm, after),
    ]


async def _wait_statistics(scene: Scene) -> None:
    """Wait for statistics that were taken after the load's end: the second block from now.

    The next one may have been taken before, and be on its way.
    """
    if scene.proxy.prints_statistics:
        wanted = accounts.count_blocks(_read(scene.program.log)) + 2
        await wait_until(
            lambda: accounts.count_blocks(_read(scene.program.log)) >= wanted,
            "statistics",
            seconds=STATISTICS_WITHIN_SECONDS,
        )


def _books(scene: Scene, marks: Mapping[str, float]) -> Books:
    written = list(read_journal(scene.setup.folder / "clients.jsonl"))
    return Books(
        [each for each in written if isinstance(each, Intent)],
        [each for each in written if isinstance(each, Outcome)],
        [sighting for server in scene.servers for sighting in server.sightings()],
        promised_until=marks.get("stop", math.inf),
    )


def _check_accounts(scenario: Scenario, scene: Scene, books: Books) -> Iterator[Violation]:
    """L6, as far as the proxy keeps books that can be read."""
    log = scene.proxy.access_log(scene.setup, scene.program.log)
    yield from accounts.check_access_log(books, _read(log))
    statistics = accounts.parse_statistics(_read(scene.program.log))
    # A proxy that was stopped under load has printed its last ones before the end.
    if statistics is not None and not math.isfinite(books.promised_until):
        names = {f"127.0.0.1:{each.port}": each.name for each in scene.servers}
        yield from accounts.check_statistics(books, statistics, names, calm=scenario.is_calm)


def _read(path: Path) -> str:
    return path.read_text("utf-8", errors="replace") if path.exists() else ""
