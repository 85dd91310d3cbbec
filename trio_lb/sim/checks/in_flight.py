"""In-flight counts: never negative, never more than is under way, zero when all have gone."""

import math
from collections.abc import Mapping

from trio_lb.sim.checks.attempts import Attempts
from trio_lb.sim.checks.check import Check
from trio_lb.sim.checks.rebirth import Rebirth
from trio_lb.sim.checks.standing import CONFIG_UPDATED
from trio_lb.sim.checks.world import SeenServer, World, name_of, pool_config
from trio_lb.sim.happening import Ear, Happening, Value, What


class InFlightExact(Check):
    """A balancer counts what is in flight at a server as it is.

    A count above the attempts under way is a lease that somebody forgot to give back: it is
    seen at the next pick, not only at the end.
    """

    name = "in_flight_exact"

    def __init__(self, attempts: Attempts | None = None) -> None:
        """Keep ``attempts``, which others may look at (see ``DrainsClean``)."""
        super().__init__()
        self._attempts = Attempts() if attempts is None else attempts
        self._servers: dict[str, list[SeenServer]] = {}

    @property
    def ears(self) -> Mapping[What, Ear]:
        """See ``Check``."""
        return {**self._attempts.ears, What.SELECT: self._selected}

    def begin(self, world: World) -> None:
        """See ``Check``."""
        super().begin(world)
        self._attempts.begin(world)

    def _selected(self, happening: Happening) -> None:
        under_way = self._attempts.begun(happening)
        in_flight = int(happening.values[2])
        if 0 <= in_flight <= under_way:
            return
        server = happening.values[0]
        if in_flight < 0:
            self.object(happening, f"{in_flight} in flight at {server}")
        elif not self._attempts.is_blind(happening.entity):
            self.object(
                happening, f"{in_flight} in flight at {server}, where {under_way} are under way"
            )

    def quiet(self, world: World) -> None:
        """Whom nobody wants any more, balancers may not have noticed yet; but no more than that."""
        for name, balancer in world.balancers.items():
            if balancer.lb is None or self._attempts.is_blind(name):
                continue
            self._servers[name] = list(balancer.lb.servers())
            for server in self._servers[name]:
                called = name_of(world, name, server.pool, server.id)
                self._judge(world, name, server, self._attempts.count(name, server.pool, called))

    def finish(self, world: World) -> None:
        """After the balancers' end each count is zero."""
        for name, servers in self._servers.items():
            for server in servers:
                self._judge(world, name, server, 0)

    def _judge(self, world: World, name: str, server: SeenServer, allowed: int) -> None:
        in_flight = server.active_connections
        if not 0 <= in_flight <= allowed:
            text = (
                f"{in_flight} in flight at {server.id} of {server.pool}, where {allowed} are under"
                " way, and all clients have gone"
            )
            self.object_at(world.clock.current_time(), text, entity=name)


class CapacityKept(Check):
    """No server gets a request beyond its ``max_connections``."""

    name = "capacity_kept"

    def __init__(self) -> None:
        super().__init__()
        self._limits: dict[tuple[str, Value, Value], float] = {}
        self._rebirth = Rebirth(lambda balancer, _: self._limits.clear())

    @property
    def ears(self) -> Mapping[What, Ear]:
        """See ``Check``."""
        return {
            What.SELECT: self._selected,
            What.ADD: self._changed,
            What.INJECT: self._rebirth.ears[What.INJECT],
            What.NEWS: self._changed,
        }

    def begin(self, world: World) -> None:
        """See ``Check``."""
        super().begin(world)
        self._rebirth.begin(world)

    def _selected(self, happening: Happening) -> None:
        server, pool, told = happening.values
        limit = self._limits.get((happening.entity, pool, server))
        if limit is None:
            limit = self._look_up(happening.entity, pool, server)
        if int(told) >= limit:
            self.object(
                happening, f"{server} was picked with {told} in flight; max_connections is {limit}"
            )

    def _changed(self, happening: Happening) -> None:
        """Another plan, or another server: look again when it is picked."""
        if happening.what is What.ADD or happening.values[0] == CONFIG_UPDATED:
            self._limits.clear()

    def _look_up(self, balancer: str, pool: Value, server: Value) -> float:
        limit: float = math.inf
        for each in pool_config(self.world, balancer, str(pool)).servers:
            if name_of(self.world, balancer, str(pool), each.id) == server:
                limit = math.inf if each.max_connections is None else each.max_connections
        self._limits[balancer, pool, server] = limit
        return limit
