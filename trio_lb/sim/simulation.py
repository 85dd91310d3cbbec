"""A simulated world: servers, balancers, clients, faults, checks; and one run of it.

    sim = Simulation(seed=7)
    sim.server("s1"), sim.server("s2")
    sim.balancer({"algorithm": "least_connections"})
    sim.clients("web", OpenLoop(Poisson(100)), policy=ClientPolicy(timeout=1.0, retries=3))
    sim.faults(at(20, Crash("server:s1", for_="10s")))
    result = sim.run(until=60)

What is said before ``run`` is only written down; then everything happens in virtual time, the
same way for the same seed. A simulation runs once.
"""

import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import attrs

from trio_lb.config.schema import Config
from trio_lb.model.address import Address
from trio_lb.sim import adopt
from trio_lb.sim.actors.client import ClientActor, ClosedLoop, OpenLoop
from trio_lb.sim.actors.policy import ClientPolicy
from trio_lb.sim.actors.server import Dependency, ServerActor, ServerSettings
from trio_lb.sim.actors.stage import Stage
from trio_lb.sim.actors.websocket import WebSocketActor, WebSocketPolicy
from trio_lb.sim.adopt_fit import Taken
from trio_lb.sim.balancer import Balancer
from trio_lb.sim.cast import Cast, Crowd
from trio_lb.sim.chance import derive_rng
from trio_lb.sim.checks.check import Check
from trio_lb.sim.checks.plain import Judge, as_check
from trio_lb.sim.clock import DesClock
from trio_lb.sim.cpu import CpuCost, CpuNetwork
from trio_lb.sim.direction import Direction, Options
from trio_lb.sim.distributions import Distribution
from trio_lb.sim.env import SimEnv
from trio_lb.sim.faults.agenda import Agenda
from trio_lb.sim.faults.record import Fault
from trio_lb.sim.faults.schedule import Schedule
from trio_lb.sim.happening import What, Wire
from trio_lb.sim.hiring import hire_more, hire_named, own_servers, server_at, who_serves
from trio_lb.sim.host import HostNetwork
from trio_lb.sim.network import VirtualNetwork
from trio_lb.sim.program import Program
from trio_lb.sim.result import Result
from trio_lb.sim.veils import Veils

DEFAULT_LATENCY_SECONDS: Final = 0.0005


@attrs.frozen(slots=True)
class _Wanted:
    """A balancer that is to be: its configuration, before the servers are all known."""

    source: Config | Mapping[str, object] | str | Path
    host: HostNetwork
    env: SimEnv


class Simulation:
    """One world and one run of it.

    ``schedule`` is ``"fifo"`` or ``"shuffle:N"`` (see ``pins.deterministic``);
    ``latency_seconds`` is one way between hosts of one zone. ``may_cut_faults`` says that a run
    is meant to end before its faults come: then it is not vacuous without them.
    """

    def __init__(
        self,
        seed: int = 0,
        *,
        name: str = "simulation",
        schedule: str = "fifo",
        latency_seconds: float = DEFAULT_LATENCY_SECONDS,
    ) -> None:
        self.seed = seed
        self.name = name
        self.schedule = schedule
        self.clock = DesClock()
        self.wire = Wire(self.clock.current_time)
        self.net = VirtualNetwork(seed, latency_seconds=latency_seconds)
        self.stage = Stage(self.clock, self.wire, seed)
        self.cast = Cast()
        self.behind = self.cast.behind
        self.servers: dict[str, ServerActor] = {}
        self.clients_by_name: dict[str, Crowd] = {}
        self.balancers: dict[str, Balancer] = {}
        self.configs: dict[str, Config] = {}
        self.stage.veil = Veils(self.wire, self.balancers).over
        self.dependencies: dict[str, Dependency] = {}
        self.programs: dict[str, Program] = {}
        self.checks: list[Check | Judge] = []
        self.schedules: list[Schedule] = []
        self.command = ""
        self.trial = ""
        self.was_run = False
        self.may_cut_faults = False
        self.requests = 0
        self.is_taken: Taken = lambda name: False
        self.agenda: Agenda | None = None
        self._wanted: dict[str, _Wanted] = {}

    def rng(self, name: str) -> random.Random:
        """Return the stream of chance of that name; each name has its own."""
        return derive_rng(self.seed, name)

    # ------------------------------------------------------------------ places

    def zone(self, name: str, *, latency_seconds: float | None = None) -> str:
        """Make a zone, ``latency_seconds`` one way from every other zone, and return its name."""
        if latency_seconds is not None:
            for other in self.cast.zones:
                self.net.set_zone_latency(name, other, latency_seconds)
        if name not in self.cast.zones:
            self.cast.zones.append(name)
        return name

    def _host(self, name: str, zone: str | None, address: str | None = None) -> HostNetwork:
        if zone is not None and zone not in self.cast.zones:
            self.zone(zone)
        host = self.net.host(name, address, zone=zone)
        if name not in self.cast.zone_names and zone is not None:
            self.cast.zone_names[name] = zone
        return host

    def host(
        self,
        name: str,
        run: Callable[[SimEnv], Awaitable[object]],
        *,
        zone: str | None = None,
        revived_after: float | None = None,
    ) -> Program:
        """Run a program of your own on a host: ``await run(env)`` from the begin to the end.

        It lives on ``env.network``, or on ``trio``'s own sockets (see ``sim.shim``), and on trio's
        clock. A balancer may name it as one of its servers. It may return early; when the run
        ends it is cancelled. What it raises ends the run, unless something watches over it that
        starts it again after ``revived_after`` seconds.
        """
        self._refuse_known(name)
        host = self._host(name, zone)
        self.cast.hosts.append(name)
        env = SimEnv(host, self.rng(f"host {name}").getrandbits(64), clock=self.clock)
        tell = partial(self.wire.tell, What.NOTE, name, 0, 0)
        self.programs[name] = Program(name, host, env, run, revived_after, tell)
        return self.programs[name]

    # ------------------------------------------------------------------ who takes part

    def server(
        self,
        name: str,
        *,
        zone: str | None = None,
        address: str | None = None,
        port: int = 80,
        dependency: Dependency | None = None,
        **settings: Any,
    ) -> ServerActor:
        """Make a server; ``settings`` are those of ``ServerSettings``: service, concurrency, queue …

        Raises:
          TypeError: there is no such setting.
          ValueError: the name is taken.
        """
        self._refuse_known(name)
        host = self._host(name, zone, address)
        self.cast.servers.append(name)
        actor = ServerActor(
            self.stage, name, host, ServerSettings(**settings), port=port, dependency=dependency
        )
        self.servers[name] = actor
        return actor

    def dependency(self, name: str, service: Distribution, *, concurrency: int = 16) -> Dependency:
        """Make something that servers ask before they answer: a database and its pool."""
        self.dependencies[name] = Dependency(self.stage, name, service, concurrency)
        return self.dependencies[name]

    def balancer(
        self,
        config: Config | Mapping[str, object] | str | Path | None = None,
        *,
        name: str = "lb",
        zone: str | None = None,
        cpu: CpuCost | None = None,
    ) -> None:
        """Put a real balancer onto a host.

        ``config`` is a file, a mapping of a file's shape or a ``Config``. One that names no
        servers gets all of this simulation's; for those that it names and that are not here,
        servers with default settings are made. With ``cpu`` its work takes time on one core, so
        that it can saturate; without, it computes for nothing.
        """
        self._refuse_known(name)
        self.net.reserve(adopt.literals(config))
        host = self._host(name, zone)
        self.cast.hosts.append(name)
        network = host if cpu is None else CpuNetwork(host, cpu)
        env = SimEnv(network, self.rng(f"balancer {name}").getrandbits(64), clock=self.clock)
        self._wanted[name] = _Wanted({} if config is None else config, host, env)

    def clients(
        self,
        name: str,
        load: OpenLoop | ClosedLoop,
        *,
        policy: ClientPolicy | None = None,
        zone: str | None = None,
        to: str | Sequence[str] | Address | None = None,
    ) -> ClientActor:
        """Make a crowd of clients: ``to`` one balancer or several in turn (None: to all)."""
        self._refuse_known(name)
        host = self._host(name, zone)
        self.cast.clients.append(name)
        targets = partial(self._targets, to)
        actor = ClientActor(
            self.stage, name, host, load, policy or ClientPolicy(), targets, self._number
        )
        self.clients_by_name[name] = actor
        return actor

    def websockets(
        self,
        name: str,
        count: int,
        policy: WebSocketPolicy,
        *,
        zone: str | None = None,
        to: str | Sequence[str] | Address | None = None,
    ) -> WebSocketActor:
        """Make so many WebSocket clients; ``to`` as in ``clients``."""
        self._refuse_known(name)
        host = self._host(name, zone)
        self.cast.websockets.append(name)
        targets = partial(self._targets, to)
        actor = WebSocketActor(self.stage, name, host, count, policy, targets, self._number)
        self.clients_by_name[name] = actor
        return actor

    def _number(self) -> int:
        """Return the number of the next request."""
        self.requests += 1
        return self.requests

    def _targets(self, to: str | Sequence[str] | Address | None) -> list[Address]:
        if isinstance(to, Address):
            return [to]
        names = list(self.balancers) if to is None else [to] if isinstance(to, str) else list(to)
        return [self.balancers[each].front_door for each in names]

    def _refuse_known(self, name: str) -> None:
        if name in [*self.servers, *self.clients_by_name, *self._wanted, *self.programs]:
            raise ValueError(f"the name {name!r} is taken: names are unique in a simulation")

    # ------------------------------------------------------------------ what happens to them

    def faults(self, *given: object) -> None:
        """Add faults: a ``Schedule``, ``Fault`` records, or the words of ``sim.faults.fluent``.

        Raises:
          ConfigError: with everything that is wrong with them.
        """
        from trio_lb.sim.faults.fluent import Timed, schedule

        timed = [each for each in given if isinstance(each, Timed)]
        records = [each for each in _flat(given) if isinstance(each, Fault)]
        self.schedules += [each for each in given if isinstance(each, Schedule)]
        if timed:
            self.schedules.append(schedule(*timed))
        if records:
            self.schedules.append(Schedule.of(records))

    def suffer(self, fault: Fault) -> None:
        """Add a fault in the middle of the run; one whose instant has passed begins at once."""
        if self.agenda is None:
            raise RuntimeError("the simulation does not run: use faults() before it does")
        self.agenda.add(fault)

    def check(self, *checks: Check | Judge, takes: float = 0.0, settles: float = 0.0) -> None:
        """Add checks beside the standard ones; a plain function of a ``Happening`` is one.

        A run of less than ``takes`` seconds, or one that settles for less than ``settles``, does not
        come to what they are about, and says so.
        """
        self.checks += [as_check(check, takes, settles) for check in checks]

    # ------------------------------------------------------------------ the run

    def run(self, until: float, **options: Any) -> Result:
        """Run for ``until`` seconds of virtual time; the options are those of ``Options``.

        Raises:
          ConfigError: a configuration or a fault is refused.
          SimulationStuck: nothing would ever happen again, or time stood still.
          Exception: whatever an actor, a check or the balancer itself raised; its notes say
            the seed and the instant.
        """
        return self.direct(until, **options).run()

    def direct(self, until: float, **options: Any) -> Direction:
        """Return what directs the run; ``run`` does this and lets it go.

        Raises:
          ConfigError: a configuration or a fault is refused.
          RuntimeError: it ran before.
        """
        if self.was_run:
            raise RuntimeError("a simulation runs once: make another one")
        self.was_run = True
        self.hire_balancers()
        return Direction(self, until, Options(**options))

    def hire_balancers(self) -> None:
        """Make the balancers, and the servers that only they name; ``run`` does it, too.

        Raises:
          ConfigError: a configuration is refused.
        """
        for name, wanted in self._wanted.items():
            if name in self.balancers:
                continue
            source = wanted.source
            if isinstance(source, Mapping) and adopt.lacks_servers(source):
                source = adopt.with_servers(source, [*own_servers(self)])
            where = str(source) if isinstance(source, (str, Path)) else ""
            self.configs[name] = plan = adopt.read(source)
            adopted = adopt.adopt(plan, wanted.host.address, source=where, is_taken=self.is_taken)
            for server, (address, config) in adopted.servers.items():
                hire_named(self, server, address, config.zone)
            for secured in adopted.secured:
                server_at(self, secured, adopted.servers[secured][0]).speaks_tls = True
            balancer = Balancer(
                self.wire, name, wanted.host, wanted.env, adopted.plan, adopted.names
            )
            balancer.start_soon = self.stage.start_soon
            balancer.certificates = adopted.certificates
            balancer.hire = partial(hire_more, self, name)
            self.balancers[name] = balancer
            self.cast.behind[name] = list(who_serves(self, adopted.plan))


def _flat(given: Sequence[object]) -> list[object]:
    flat: list[object] = []
    for each in given:
        flat += each if isinstance(each, list | tuple) else [each]
    return flat
