"""A row: something done to every peer in turn, round after round, and the figures of it."""

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar, Final

import attrs
from typing_extensions import override

from benchmarks import wrk
from benchmarks.certificate import Certificate, make_certificate
from benchmarks.machine import Cores, free_port
from benchmarks.origin import Origin
from benchmarks.peers import OURS
from benchmarks.peers.base import Peer, Setup, Target, open_peer
from benchmarks.program import ProgramFailed
from benchmarks.results import DIRECT, RowResult, Sample

WARM_UP_SECONDS: Final = 0.4


@attrs.frozen
class Figure:
    """One line of the table: its key in a sample, its heading with the unit, its digits."""

    key: str
    heading: str
    digits: int = 1
    is_cost: bool = False
    """Whether it is what the proxy adds or uses: the origin alone has none to compare."""


@attrs.frozen(slots=True)
class Wishes:
    """What a row wants of every peer's ``Setup``."""

    max_connections: int | None = None
    tls: bool = False
    tunnels: bool = False
    origin_port: int | None = None
    probed: Sequence[str] = ()


NO_WISHES: Final = Wishes()


@attrs.frozen
class Bench:
    """What a row works with; ``suite`` opens it and clears it away."""

    folder: Path
    cores: Cores
    origin: Origin
    seconds: int
    rounds: int
    profile_folder: Path | None = None

    def setup(self, row: str, peer: Peer, wishes: Wishes = NO_WISHES) -> Setup:
        """How ``peer`` is started for ``row``: on a free port, with a folder of its own."""
        wanted = self.profile_folder if peer.name == OURS else None
        return Setup(
            port=free_port(),
            origin_port=self.origin.port if wishes.origin_port is None else wishes.origin_port,
            folder=self.folder / row / peer.name.replace(" ", "_"),
            max_connections=wishes.max_connections,
            profile=wanted / f"{row}.pstats" if wanted else None,
            certificate=self.certificate() if wishes.tls else None,
            tunnels=wishes.tunnels,
            probed=wishes.probed,
        )

    def certificate(self) -> Certificate:
        """The one certificate of this run; made when the first row asks for it.

        Raises:
          ProgramFailed: openssl is absent.
        """
        folder = self.folder / "certificate"
        if folder.exists():
            return Certificate(folder / "cert.pem", folder / "key.pem", folder / "both.pem")
        folder.mkdir()
        return make_certificate(folder)

    def load(self, load: wrk.Load, target: Target) -> tuple[wrk.Report, float]:
        """Load ``target`` once; the report, and the CPU seconds that its tree used for it.

        Raises:
          ProgramFailed: the target ended, or not one request came through.
        """
        before = target.program.cpu_seconds()
        seconds = max(self.seconds, load.least_seconds)
        report = wrk.run(
            load,
            target.port,
            seconds=seconds,
            core=self.cores.load,
            folder=self.folder,
            tls=target.tls,
        )
        target.program.check()
        if not report.requests:
            raise ProgramFailed(f"not one request to {target.name} was answered: {report.errors}")
        return report, target.program.cpu_seconds() - before

    def warm_up(self, load: wrk.Load, target: Target) -> None:
        """The same load for a moment, unmeasured."""
        wrk.warm_up(
            load,
            target.port,
            seconds=WARM_UP_SECONDS,
            core=self.cores.load,
            folder=self.folder,
            tls=target.tls,
        )


class Row(ABC):
    """What is measured. Its ``name`` is its word in ``--rows``."""

    name: ClassVar[str]
    title: ClassVar[str]
    figures: ClassVar[tuple[Figure, ...]]
    in_quick: ClassVar[bool] = True

    @abstractmethod
    def run(self, peers: Sequence[Peer], bench: Bench, result: RowResult) -> None:
        """Measure all peers interleaved (A B C A B C ...), each round into ``result``."""


class LoadRow(Row):
    """A row under load: the peers start once, and each round loads one after the other."""

    loads: ClassVar[tuple[wrk.Load, ...]]
    with_direct: ClassVar[bool] = False
    """Whether each round loads the origin itself too, for differences."""
    wishes: ClassVar[Wishes] = NO_WISHES

    @abstractmethod
    def sample(self, target: Target, bench: Bench, direct: Sample | None) -> Sample:
        """One round over one target; ``direct`` is the origin's sample of this round."""

    def prepare(self, target: Target) -> None:
        """Check that ``target`` does the work at all. Raises ``ProgramFailed``."""

    @override
    def run(self, peers: Sequence[Peer], bench: Bench, result: RowResult) -> None:
        with contextlib.ExitStack() as stack:
            targets: list[Target] = []
            for peer in peers:
                with failures_to(result, peer.name):
                    targets.append(self._start(peer, bench, stack))
            for _ in range(bench.rounds):
                direct = self._direct(bench, result) if self.with_direct else None
                for target in targets:
                    if target.name not in result.failures:
                        with failures_to(result, target.name):
                            result.add(target.name, self.sample(target, bench, direct))

    def _start(self, peer: Peer, bench: Bench, stack: contextlib.ExitStack) -> Target:
        setup = bench.setup(self.name, peer, self.wishes)
        target = stack.enter_context(open_peer(peer, setup, core=bench.cores.proxy))
        self.prepare(target)
        for load in self.loads:
            bench.warm_up(load, target)
        return target

    def _direct(self, bench: Bench, result: RowResult) -> Sample:
        origin = Target(DIRECT, bench.origin.port, bench.origin.program)
        sample = self.sample(origin, bench, None)
        costs = {figure.key for figure in self.figures if figure.is_cost}
        kept = {key: value for key, value in sample.figures.items() if key not in costs}
        result.add(DIRECT, Sample(kept, sample.errors))
        return sample


@contextlib.contextmanager
def failures_to(result: RowResult, peer: str) -> Iterator[None]:
    """Turn one peer's failure into a cell of the table; the others go on."""
    try:
        yield
    except ProgramFailed as error:
        result.fail(peer, str(error))
