"""A server: a queue with so many places, behind a listener of the virtual network. No task.

    connection --> TAKE --> station (queue, service) --> [dependency] --> conducts --> REPLY

What it does wrong is not here: faults put a ``Conduct`` into ``conducts``, change
``slow_factor`` or stop the whole host.
"""

import math
from collections.abc import Callable
from enum import Enum
from typing import Final

import attrs
import trio

from trio_lb.model.address import Address
from trio_lb.net.env import OutOfDescriptors
from trio_lb.sim.actors.conduct import Answer, Conduct, Gate
from trio_lb.sim.actors.end import End
from trio_lb.sim.actors.http1 import body_of
from trio_lb.sim.actors.serving import ServerConnection
from trio_lb.sim.actors.stage import Stage
from trio_lb.sim.actors.station import Job, Station
from trio_lb.sim.actors.tls_end import TlsEnd
from trio_lb.sim.certificates import server_context
from trio_lb.sim.clock import Call
from trio_lb.sim.distributions import Distribution, Fixed
from trio_lb.sim.happening import What
from trio_lb.sim.host import HostNetwork
from trio_lb.sim.listener import VirtualListener
from trio_lb.sim.stream import VirtualStream
from trio_lb.sim.watch import Watch

ACCEPT_RETRY_SECONDS: Final = 1.0
"""How long a server without descriptors waits before it accepts again (nginx: 0.5 s, trio: 0.1 s)."""


class WhenFull(Enum):
    """What a request meets when service and queue are full."""

    REJECT = "reject"
    """A 503 at once."""
    RESET = "reset"
    """RST."""


@attrs.frozen(slots=True)
class ColdStart:
    """After a start each request takes ``factor`` times as long, less and less for ``seconds``."""

    factor: float = 10.0
    seconds: float = 30.0

    def factor_at(self, age_seconds: float) -> float:
        """Return the factor that holds so long after the start."""
        if age_seconds >= self.seconds:
            return 1.0
        return self.factor + (1.0 - self.factor) * age_seconds / self.seconds


@attrs.frozen(slots=True)
class Streaming:
    """An answer in so many chunks, one ``every_seconds``: server-sent events, a long download.

    A body of fewer bytes than ``pieces`` comes in as many chunks as it has bytes.
    """

    pieces: int = 10
    every_seconds: float = 1.0


@attrs.frozen(slots=True)
class ServerSettings:
    """What kind of server it is.

    ``service`` draws seconds, ``size`` the bytes of an answer's body. ``queue`` places wait beside
    ``concurrency`` in service. ``notices_leaving``: work for a client that left is given up (most
    servers do not, which is what metastable failures are made of). ``keep_alive_seconds`` of
    idleness close a connection (infinite: never); ``health`` is the status of a probe's answer, or
    a callable that says it. ``streaming``: answers come in chunks, bit by bit.
    """

    service: Distribution = Fixed(0.010)
    concurrency: int = 64
    queue: int = 512
    size: Distribution = Fixed(2)
    when_full: WhenFull = WhenFull.REJECT
    notices_leaving: bool = False
    cold_start: ColdStart | None = None
    keep_alive_seconds: float = math.inf
    backlog: int = 1024
    health: int | Callable[[], int] = 200
    health_seconds: float = 0.001
    streaming: Streaming | None = None


class ServerActor:
    """A running server.

    For faults there are ``slow_factor``, ``conducts``, ``gates`` (what is refused before any work),
    ``health_told`` (a status that probes are told instead of the truth) and ``memory_limit`` (bytes
    of requests that it can hold at once). ``speaks_tls`` holds for connections to come, as does
    ``is_expired``: the days of its certificate are over.
    """

    def __init__(
        self,
        stage: Stage,
        name: str,
        host: HostNetwork,
        settings: ServerSettings,
        *,
        port: int = 80,
        dependency: "Dependency | None" = None,
    ) -> None:
        self.name = name
        self.host = host
        self.settings = settings
        self.stage = stage
        self.slow_factor = 1.0
        self.conducts: list[Conduct] = []
        self.gates: list[Gate] = []
        self.health_told: int | None = None
        self.memory_limit: float | None = None
        self.speaks_tls = False
        self.is_expired = False
        self.listener: VirtualListener | None = None
        self.connections: dict[int, ServerConnection] = {}
        self.station = Station(stage.clock, settings.concurrency, settings.queue)
        self._address = Address(host.address, port)
        self._dependency = dependency
        self._rng = stage.rng(f"server {name}")
        self._started_at = 0.0
        self._watch: Watch | None = None
        self._again: Call | None = None
        self._held: list[Callable[[], object]] = []

    @property
    def address(self) -> Address:
        """Where it listens."""
        return self._address

    # ------------------------------------------------------------------ its life

    async def start(self) -> None:
        """Listen; what was before is forgotten."""
        await trio.lowlevel.checkpoint()
        self._listen()

    def _listen(self) -> None:
        self.listener = self.host.listen_nowait(self._address, backlog=self.settings.backlog)
        self._started_at = self.stage.clock.current_time()
        self._watch = self.listener.watch_arrivals(self._accept)

    def _accept(self) -> None:
        if self.listener is None or self._watch is None or self.host.is_paused:
            return
        try:
            streams = self.listener.accept_nowait(1024)
        except OutOfDescriptors:
            at = self.stage.clock.current_time() + ACCEPT_RETRY_SECONDS
            if self._again is not None:
                self._again.cancel()  # More connections knocked meanwhile.
            self._again = self.stage.clock.call_at(at, self._watch.arm)
            return
        except trio.ClosedResourceError:
            return
        for stream in streams:
            self._welcome(stream)
        self._watch.arm()

    def _welcome(self, stream: VirtualStream) -> None:
        self.stage.wire.tell(What.ACCEPT, self.name, stream.serial)
        end: End = stream
        if self.speaks_tls:
            end = TlsEnd(stream, server_context(expired=self.is_expired), server_side=True)
        self.connections[stream.serial] = ServerConnection(self, end)

    def crash(self, *, fin: bool = False) -> None:
        """Die; ``fin``: only the process, whose kernel closes the connections."""
        self.stop_listening()
        connections, self.connections = self.connections, {}
        for connection in connections.values():
            connection.die()
        self.station.clear()
        self.station.resume()  # Who is dead is not paused.
        self._held.clear()
        self.host.crash(fin=fin)

    def restart(self) -> None:
        """Come up again, with nothing in the queue."""
        self.host.restart()
        if self.listener is None:
            self._listen()

    def stop_listening(self) -> None:
        """Accept no more; who waits to be accepted is reset. Connections live on."""
        if self._watch is not None:
            self._watch.rest()
        if self._again is not None:
            self._again.cancel()
        if self.listener is not None:
            self.listener.close(VirtualStream.abort)
        self.listener = self._watch = self._again = None

    def pause(self) -> None:
        """Stand still (SIGSTOP): the kernel accepts and queues, nobody reads or answers.

        Work is thought of as waiting for something else, so it is done in the time that it takes,
        but nobody says so before ``resume``.
        """
        self.host.pause()
        if self.host.is_paused:
            self.station.pause()

    def resume(self) -> None:
        """Go on: at once with what came meanwhile and what is overdue."""
        self.host.resume()
        self.station.resume()
        held, self._held = self._held, []
        for make in held:
            make()
        if self._watch is not None:
            self._watch.arm()
        for connection in list(self.connections.values()):
            connection.go_on()

    def holds(self, make: Callable[[], object]) -> bool:
        """Whether the host stands still; ``make()`` is then called when it goes on."""
        if self.host.is_paused:
            self._held.append(make)
            return True
        return False

    def close(self) -> None:
        """End, in peace: stop listening, close what is open."""
        self.stop_listening()
        for connection in list(self.connections.values()):
            connection.close()

    # ------------------------------------------------------------------ its work

    def refusal(self) -> Answer | None:
        """Return what a request is answered instead of being worked on; None: let it in."""
        for gate in self.gates:
            answer = gate()
            if answer is not None:
                answer.server = self.name
                return answer
        return None

    @property
    def resets_when_full(self) -> bool:
        """Whether who is turned away gets RST and no answer."""
        return self.settings.when_full is WhenFull.RESET

    def work(self, begin: Callable[[], object], done: Callable[[], object]) -> Job | None:
        """Put a request into the queue; None: it is full."""
        if self.memory_limit is not None and self._held_bytes() > self.memory_limit:
            return None
        if self._dependency is None:
            return self.station.submit(self._seconds, done, begin)
        dependency = self._dependency
        return self.station.submit(self._seconds, lambda: dependency.ask(done), begin)

    def _held_bytes(self) -> int:
        """The request that comes included. Added up anew: only who is short of memory counts."""
        return sum(connection.held_bytes for connection in self.connections.values())

    def _seconds(self) -> float:
        seconds = self.settings.service.draw(self._rng) * self.slow_factor
        cold = self.settings.cold_start
        if cold is not None:
            seconds *= cold.factor_at(self.stage.clock.current_time() - self._started_at)
        return seconds

    def answer_to(self, number: int, *, is_head_only: bool) -> Answer:
        """Return the answer to a request as its conduct wants it."""
        size = int(self.settings.size.draw(self._rng))
        answer = Answer(self.name, 200, body_of(number, size), is_head_only=is_head_only)
        streaming = self.settings.streaming
        if streaming is not None:
            answer.is_chunked, answer.pieces = True, streaming.pieces
            answer.every_seconds = streaming.every_seconds
        for conduct in self.conducts:
            conduct(answer)
        return answer

    def health_status(self) -> int:
        """Return what a probe is told now."""
        if self.health_told is not None:
            return self.health_told
        health = self.settings.health
        return health() if callable(health) else health


class Dependency:
    """Something that several servers ask before they answer: a database and its pool.

    Its queue has no end: who asks waits.
    """

    def __init__(self, stage: Stage, name: str, service: Distribution, concurrency: int) -> None:
        self.name = name
        self.slow_factor = 1.0
        self.station = Station(stage.clock, concurrency, 1 << 30)
        self._service = service
        self._rng = stage.rng(f"dependency {name}")

    def ask(self, done: Callable[[], object]) -> None:
        """Call ``done`` when it has answered."""
        self.station.submit(lambda: self._service.draw(self._rng) * self.slow_factor, done)
