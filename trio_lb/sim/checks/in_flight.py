"""In-flight counts: never negative, never more than is under way, zero when all have gone."""

from collections.abc import Mapping

from trio_lb.sim.checks.attempts import Attempts
from trio_lb.sim.checks.check import Check
from trio_lb.sim.checks.world import SeenServer, World, name_of, pool_config
from trio_lb.sim.happening import Ear, Happening, What


class InFlightExact(Check):
    """A balancer counts what is in flight at a server as it is, and keeps ``max_connections``.

    A count above the attempts under way is a lease that somebody forgot to give back: it is
    seen at the next pick, not only at the end.
    """

    name = "in_flight_exact"

    def __init__(self) -> None:
        super().__init__()
        self._attempts = Attempts()
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
        server, pool, told = happening.values
        balancer, in_flight = happening.entity, int(told)
        under_way = self._attempts.count(balancer, str(pool), str(server))
        if in_flight < 0:
            self.object(happening, f"{in_flight} in flight at {server}")
        elif in_flight > under_way and not self._attempts.is_blind(balancer):
            self.object(
                happening, f"{in_flight} in flight at {server}, where {under_way} are under way"
            )
        self._attempts.ears[What.SELECT](happening)

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
        self._limits: dict[tuple[str, str, str], int] = {}
        self._known: dict[tuple[str, str], object] = {}

    @property
    def ears(self) -> Mapping[What, Ear]:
        """See ``Check``."""
        return {What.SELECT: self._selected}

    def _selected(self, happening: Happening) -> None:
        server, pool, told = happening.values
        limit = self._limit(happening.entity, str(pool), str(server))
        if limit is not None and int(told) >= limit:
            self.object(
                happening, f"{server} was picked with {told} in flight; max_connections is {limit}"
            )

    def _limit(self, balancer: str, pool: str, server: str) -> int | None:
        """Look it up in a table, which is made anew for each plan."""
        config = pool_config(self.world, balancer, pool)
        if self._known.get((balancer, pool)) is not config:
            self._known[balancer, pool] = config
            for each in config.servers:
                key = balancer, pool, name_of(self.world, balancer, pool, each.id)
                if each.max_connections is None:
                    self._limits.pop(key, None)
                else:
                    self._limits[key] = each.max_connections
        return self._limits.get((balancer, pool, server))
