"""Which algorithm for my fleet: one pool's policies, modelled servers, and a workload, in one run.

    PolicyRun("power_of_two", servers=fleet(10), workload=workload, seed=7).run().summary()

No task, no byte, no clock: an own loop over virtual time, and therefore the same result from the
same seed on every machine that agrees about floating point.
"""

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import attrs

from trio_lb.config.schema import PoolConfig, ServerConfig
from trio_lb.config.structure import read_section
from trio_lb.model.address import Address
from trio_lb.model.events import Event
from trio_lb.policy.balance.base import Balancer
from trio_lb.sim.chance import derive_rng
from trio_lb.sim.policy_level.agenda import Agenda
from trio_lb.sim.policy_level.balancing import Balancing
from trio_lb.sim.policy_level.crowd import Crowd
from trio_lb.sim.policy_level.request import Request
from trio_lb.sim.policy_level.result import Result, ServerLoad
from trio_lb.sim.policy_level.server_queue import ServerQueue
from trio_lb.sim.policy_level.settings import Clients, ServerModel, Trouble
from trio_lb.sim.policy_level.troubles import schedule
from trio_lb.sim.policy_level.workload import Workload
from trio_lb.sim.tagged import read_whole
from trio_lb.state.pool import Pool
from trio_lb.state.server import Server

Settings = str | Mapping[str, object] | PoolConfig
"""An algorithm's name, a pool's section as in a configuration, or what was made of one."""


class PolicyRun:
    """One run; ``run`` may be called once. ``pool`` and ``queues`` may be looked at any time.

    ``settings`` are the pool's; its servers are made of ``servers``. ``on_event`` hears what the
    policies tell (ejections, breakers), as the bus would. ``balancer`` stands in for the
    algorithm that they name.
    """

    def __init__(
        self,
        settings: Settings = "power_of_two",
        *,
        servers: Sequence[ServerModel],
        workload: Workload,
        clients: Clients | None = None,
        troubles: Sequence[Trouble] = (),
        seed: int = 0,
        on_event: Callable[[Event], None] | None = None,
        balancer: Balancer | None = None,
    ) -> None:
        self.workload = workload
        self.pool = Pool("policy")
        self._agenda = agenda = Agenda()
        self.crowd = crowd = Crowd(clients or Clients(), agenda, derive_rng(seed, "clients.wait"))
        self.queues: dict[Server, ServerQueue] = {}
        self.balancing = crowd.balancing = Balancing(
            self.pool,
            self.queues,
            agenda,
            crowd.finished,
            config=_config(settings, servers),
            balancer=balancer,
            pick_rng=derive_rng(seed, "lb.pick"),
            retry_rng=derive_rng(seed, "lb.retry"),
            on_event=on_event,
        )
        for server, model in zip(self.pool.members, servers, strict=True):
            self.queues[server] = ServerQueue(model, agenda, self.balancing.answered)
        schedule(troubles, tuple(self.queues.values()), self.balancing, agenda)

    def run(self) -> Result:
        """Serve the workload, wait for what is open at its end, and say how it went."""
        with _collector_off():
            return self._serve()

    def _serve(self) -> Result:
        agenda, crowd = self._agenda, self.crowd
        run_until, ask, due = agenda.run_until, crowd.asks(), agenda.due
        for at, work, context in self.workload:
            if due[0][0] <= at:
                run_until(at)
            crowd.open += 1
            ask(Request(at, work, context), at)
        busy_seconds = [queue.busy_seconds for queue in self.queues.values()]
        ended_at = agenda.run_while(lambda: crowd.open > 0)
        return self._result(busy_seconds, max(ended_at or 0.0, self.workload.until))

    def run_out(self) -> None:
        """Go on until nothing is due: work for clients that have left, ejections, breakers."""
        self._agenda.run_while(lambda: True)

    def _result(self, busy_seconds: Sequence[float], ended_at: float) -> Result:
        crowd, workload = self.crowd, self.workload
        pairs = zip(self.queues.items(), busy_seconds, strict=True)
        loads = tuple(
            ServerLoad(
                id=server.id,
                attempts=server.requests,
                failures=server.failures,
                busy_seconds=busy,
                places=queue.model.concurrency,
                most_waiting=queue.most_waiting,
            )
            for (server, queue), busy in pairs
        )
        return Result(
            algorithm=self.pool.balancer.name,
            until=workload.until,
            ended_at=ended_at,
            asked_at=workload.instants,
            good_at=crowd.good_at,
            good_seconds=crowd.good_seconds,
            failed_at=crowd.failed_at,
            failures=dict(crowd.failures),
            again_at=crowd.again_at,
            extra_at=self.balancing.extra,
            servers=loads,
        )


@contextmanager
def _collector_off() -> Iterator[None]:
    """Keep the collector of cycles away: nothing here makes any, and a queue of thousands of
    requests is looked through again and again otherwise, which takes up to 40 % of the time.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _config(settings: Settings, servers: Sequence[ServerModel]) -> PoolConfig:
    """The pool's configuration, with one made-up address a server."""
    made = tuple(
        ServerConfig(
            id=model.id,
            address=Address(model.id, 80),
            weight=model.weight,
            max_connections=model.max_connections,
        )
        for model in servers
    )
    return attrs.evolve(_pool_section(settings), name="policy", servers=made)


def _pool_section(settings: Settings) -> PoolConfig:
    if isinstance(settings, PoolConfig):
        return settings
    section = {"algorithm": settings} if isinstance(settings, str) else settings
    made: PoolConfig = read_whole(section, "", lambda node: read_section(node, PoolConfig()))
    return made
