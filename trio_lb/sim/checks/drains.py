"""Drains: whoever is being served when a drain begins is served to the end, in its grace."""

from collections.abc import Mapping
from typing import Final

from trio_lb.sim.checks.attempts import Attempts
from trio_lb.sim.checks.check import Check
from trio_lb.sim.checks.faults import Weather
from trio_lb.sim.checks.rebirth import balancer_hit
from trio_lb.sim.checks.world import World
from trio_lb.sim.happening import Ear, Happening, What

NOT_BY_DRAIN: Final = ("client", "timeout")
"""An error whose code holds one of these words is not a drain's: who was too slow, or left."""
OWN_ANSWERS: Final = (502, 503, 504)
"""After these the server has been let go, though a slow client may take its time to read them."""
SAME_INSTANT_SECONDS: Final = 1e-3
"""A balancer tells of a request's end a turn or two after it has let the server go."""

Key = tuple[str, str, str]


class DrainsClean(Check):
    """A drain cuts no request before it is over, and calls itself clean only when nothing is left.

    That nobody is picked after a DRAIN is the law of ``NothingToExcluded``.
    """

    name = "drains_clean"

    def __init__(self, attempts: Attempts | None = None) -> None:
        """Look at ``attempts``, which an ``InFlightExact`` keeps, rather than count anew."""
        super().__init__()
        self._attempts = Attempts() if attempts is None else attempts
        # Whoever else keeps the attempts hears of these as well, and tells them.
        self._keeps = dict(self._attempts.ears) if attempts is None else {}
        self._weather = Weather()
        self._since: dict[Key, float] = {}
        self._left: dict[tuple[str, int], Happening] = {}

    @property
    def ears(self) -> Mapping[What, Ear]:
        """See ``Check``."""
        return {
            **self._keeps,
            What.DRAIN: self._began,
            What.DRAINED: self._over,
            What.RESUME: self._called_off,
            What.COMPLETE: self._ended,
            What.ERROR: self._failed,
            What.INJECT: self._injected,
            What.HEALED: self._weather.healed,
        }

    def begin(self, world: World) -> None:
        """See ``Check``."""
        super().begin(world)
        self._attempts.begin(world)

    def _injected(self, happening: Happening) -> None:
        self._weather.injected(happening)
        self._pass_on(happening)
        name = balancer_hit(happening, self.world)
        if name is not None:
            self._since = {key: at for key, at in self._since.items() if key[0] != name}
            self._left = {key: at for key, at in self._left.items() if key[0] != name}

    def _pass_on(self, happening: Happening) -> None:
        keep = self._keeps.get(happening.what)
        if keep is not None:
            keep(happening)

    def _began(self, happening: Happening) -> None:
        self._since[_key(happening)] = happening.at

    def _called_off(self, happening: Happening) -> None:
        self._since.pop(_key(happening), None)

    def _over(self, happening: Happening) -> None:
        self._since.pop(_key(happening), None)
        server, pool, is_clean = happening.values
        if not is_clean:
            return
        for req in self._attempts.at(happening.entity, pool, server):
            self._left[happening.entity, req] = happening

    def _ended(self, happening: Happening) -> None:
        self._pass_on(happening)
        if not self._left:
            return
        drained = self._left.pop((happening.entity, happening.req), None)
        if drained is not None and happening.at > drained.at + SAME_INSTANT_SECONDS:
            self._forgot(drained, happening.req)

    def _forgot(self, drained: Happening, req: int) -> None:
        text = f"{drained.values[0]} is called drained, with request {req} still under way"
        self.object(drained, text)

    def finish(self, world: World) -> None:
        """Whoever was left behind, and never ended, was forgotten as well."""
        for (_, req), drained in self._left.items():
            self._forgot(drained, req)
        self._left.clear()

    def _failed(self, happening: Happening) -> None:
        server, pool, status, _, lasted, code = happening.values
        if status in OWN_ANSWERS and code != "upstream_truncated":
            self._left.pop((happening.entity, happening.req), None)
        self._ended(happening)
        drain_began = self._since.get((happening.entity, str(pool), str(server)))
        if drain_began is None or any(word in str(code) for word in NOT_BY_DRAIN):
            return
        began = happening.at - int(lasted) / 1e9
        if began <= drain_began and self._weather.was_calm(began):
            self.object(
                happening,
                f"it was under way at {server} when that began to drain at {drain_began:.6f} s,"
                f" and ended in {code}",
            )


def _key(happening: Happening) -> Key:
    return happening.entity, str(happening.values[1]), str(happening.values[0])
