"""The standing of servers: what each balancer has said against whom, so far.

It is the balancers' own word, read off their happenings in the order in which they were
told. So it stays behind the truth where nothing is told (a server that a plan disables, a
verdict that ends because a plan dropped its section), and there it is forgotten, rather
than held against anybody.
"""

from collections.abc import Iterator, Mapping
from typing import Final

import attrs

from trio_lb.sim.checks.rebirth import Rebirth
from trio_lb.sim.checks.world import DEFAULTS, Nowhere, World, pool_config
from trio_lb.sim.happening import Ear, Happening, What

CONFIG_UPDATED: Final = "config_updated"
"""The news that another plan is in force."""


@attrs.define(slots=True, eq=False)
class Standing:
    """One server of one pool of one balancer.

    ``is_good``: it was surely in service when last heard of. ``ejected_until`` in seconds.
    """

    is_bad: bool = False
    is_good: bool = False
    is_open: bool = False
    is_half_open: bool = False
    is_draining: bool = False
    has_left: bool = False
    ejected_until: float | None = None
    ghosts: int = 0
    """Servers of the same id that are still leaving: a plan gave it another address."""

    @property
    def is_clear(self) -> bool:
        """Whether nothing at all speaks against it, or it is no matter any more."""
        is_out = self.is_bad or self.is_open or self.is_half_open or self.is_draining
        return self.has_left or not (is_out or self.ejected_until is not None)

    def against(self, fails_open: bool) -> str | None:
        """Return why it must get nothing, or None."""
        if self.has_left:
            return "it has left the pool"
        if self.is_draining:
            return "it drains"
        if self.is_open:
            return "its breaker is open"
        if self.ejected_until is not None:
            return f"it is ejected until {self.ejected_until:.6f} s"
        if self.is_bad and not fails_open:
            return "its checks are bad, and fail-open is not in force"
        return None


Pool = dict[str, Standing]


class Standings:
    """Of all servers, by balancer, pool and server.

    Who has one lends it its own ears: ``ears`` for all news that change a standing, and
    ``selected`` for SELECT, if ``is_good`` is of interest.
    """

    def __init__(self) -> None:
        self._pools: dict[tuple[str, str], Pool] = {}
        self._fail_open: dict[tuple[str, str], float] = {}
        self._rebirth = Rebirth(self._forget)
        self._world: World = Nowhere()
        self.is_anybody_out = False
        """Whether anything speaks against anybody: what is asked most is then answered."""
        # For the check that has it, which may put an ear of its own before one of these.
        news: Mapping[What, Ear] = {
            What.HEALTH: self._health,
            What.EJECT: self._eject,
            What.READMIT: self._readmit,
            What.OPEN: self._open,
            What.HALF_OPEN: self._half_open,
            What.CLOSE: self._close,
            What.ADD: self._add,
            What.REMOVE: self._remove,
            What.DRAIN: self._drain,
            What.RESUME: self._resume,
            What.FAIL_OPEN: self._begin_fail_open,
            What.FAIL_CLOSED: self._end_fail_open,
            What.INJECT: self._rebirth.ears[What.INJECT],
            What.NEWS: self._news,
        }
        self.ears = {what: self._settling(ear) for what, ear in news.items()}

    def _settling(self, ear: Ear) -> Ear:
        def heard(happening: Happening) -> None:
            ear(happening)
            self.is_anybody_out = any(
                each.against(fails_open=False) is not None for _, _, _, each in self.all()
            )

        return heard

    def begin(self, world: World) -> None:
        """Take the world: it tells what a new plan says."""
        self._world = world
        self._rebirth.begin(world)

    def of(self, happening: Happening) -> Standing:
        """Return the standing of the server that a happening of a balancer begins with."""
        server, pool = str(happening.values[0]), str(happening.values[1])
        members = self._pools.setdefault((happening.entity, pool), {})
        standing = members.get(server)
        if standing is None:
            standing = members[server] = Standing()
        return standing

    def pool(self, balancer: str, pool: str) -> Pool:
        """Return the standings of one pool, in the order in which servers were heard of."""
        return self._pools.get((balancer, pool), {})

    def all(self) -> Iterator[tuple[str, str, str, Standing]]:
        """Yield balancer, pool, server and its standing."""
        for (balancer, pool), members in self._pools.items():
            for server, standing in members.items():
                yield balancer, pool, server, standing

    def fails_open(self, balancer: str, pool: str) -> bool:
        """Whether fail-open is in force in a pool."""
        return (balancer, pool) in self._fail_open

    @property
    def failing_open(self) -> list[tuple[str, str]]:
        """The pools in which fail-open is in force."""
        return list(self._fail_open)

    def selected(self, happening: Happening) -> None:
        """Hear of a SELECT: whoever is picked is in service, unless it is on trial."""
        standing = self.of(happening)
        standing.is_good = not standing.is_half_open

    # ------------------------------------------------------------------ what is told

    def _health(self, happening: Happening) -> None:
        standing = self.of(happening)
        standing.is_good = bool(happening.values[2])
        standing.is_bad = not standing.is_good

    def _eject(self, happening: Happening) -> None:
        standing = self.of(happening)
        standing.is_good = False
        standing.ejected_until = happening.at + int(happening.values[3]) / 1e9

    def _readmit(self, happening: Happening) -> None:
        self.of(happening).ejected_until = None

    def _open(self, happening: Happening) -> None:
        standing = self.of(happening)
        standing.is_good = standing.is_half_open = False
        standing.is_open = True

    def _half_open(self, happening: Happening) -> None:
        standing = self.of(happening)
        standing.is_open, standing.is_half_open = False, True

    def _close(self, happening: Happening) -> None:
        standing = self.of(happening)
        standing.is_open = standing.is_half_open = False

    def _add(self, happening: Happening) -> None:
        server, pool = str(happening.values[0]), str(happening.values[1])
        members = self._pools.setdefault((happening.entity, pool), {})
        old = members.get(server)
        ghosts = 0 if old is None else old.ghosts + old.is_draining - old.has_left
        members[server] = Standing(ghosts=max(ghosts, 0))

    def _remove(self, happening: Happening) -> None:
        standing = self.of(happening)
        if standing.ghosts:
            standing.ghosts -= 1
        else:
            standing.has_left = True

    def _drain(self, happening: Happening) -> None:
        standing = self.of(happening)
        standing.is_draining = True
        # Who leaves for good is forgotten by the detector, and no READMIT comes.
        standing.is_good, standing.ejected_until = False, None

    def _resume(self, happening: Happening) -> None:
        self.of(happening).is_draining = False

    def _begin_fail_open(self, happening: Happening) -> None:
        self._fail_open[happening.entity, str(happening.values[0])] = happening.at

    def _end_fail_open(self, happening: Happening) -> None:
        self._fail_open.pop((happening.entity, str(happening.values[0])), None)

    # ------------------------------------------------------------------ what is void

    def _news(self, happening: Happening) -> None:
        self._rebirth.ears[What.NEWS](happening)
        if happening.values[0] == CONFIG_UPDATED:
            self._reread(happening.entity)

    def _forget(self, balancer: str, _: None) -> None:
        for key in [key for key in self._pools if key[0] == balancer]:
            del self._pools[key]
        for key in [key for key in self._fail_open if key[0] == balancer]:
            del self._fail_open[key]

    def _reread(self, balancer: str) -> None:
        """Another plan: whoever is not checked any more, or has no breaker, is not out for it."""
        for (owner, pool), members in self._pools.items():
            if owner != balancer:
                continue
            config = pool_config(self._world, balancer, pool)
            for standing in members.values():
                standing.is_good = False
                if config is DEFAULTS or not config.health_check.enabled:
                    standing.is_bad = False
                if config is DEFAULTS or not config.circuit_breaker.enabled:
                    standing.is_open = standing.is_half_open = False
