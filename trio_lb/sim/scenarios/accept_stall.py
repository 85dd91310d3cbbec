"""One server accepts nobody any more: its process hangs, and its kernel's queue is full.

    s1: connections break | SYN ... SYN ... (nobody answers) | accepts again

What must hold: who waits for it to answer does not hold a place that others need, so nobody is
turned away; the server's share falls until it accepts again; and since nothing was sent, even
a POST is done elsewhere.
"""

from collections.abc import Mapping
from typing import Any, Final

from trio_lb.sim.actors.client import OpenLoop
from trio_lb.sim.actors.policy import ClientPolicy
from trio_lb.sim.arrivals import Poisson
from trio_lb.sim.checks import Check, ComesBack, ErrorRate, Sometimes
from trio_lb.sim.checks.world import World
from trio_lb.sim.distributions import Uniform
from trio_lb.sim.faults.fluent import BacklogFull, Reset, SlowAccept, Wanted, at
from trio_lb.sim.happening import Ear, Happening, What
from trio_lb.sim.limits import POSITIVE, one_of
from trio_lb.sim.scenario import Scenario, Setup
from trio_lb.sim.simulation import Simulation

BEGIN: Final = 20.0
END: Final = 50.0
UNTIL: Final = 60.0
PLACES: Final = 100
"""Of the scenario's own balancer: so many clients at once, as ``limits.max_connections``."""


class NobodyTurnedAway(Check):
    """No client is refused for want of a place: waits for a dead server hold none for long."""

    name = "nobody_turned_away"

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.found = "clients refused", "0"

    @property
    def ears(self) -> Mapping[What, Ear]:
        """See ``Check``."""
        return {What.SHED: self._shed}

    def _shed(self, happening: Happening) -> None:
        self.object(happening, f"somebody was turned away: {happening.values[0]}")
        self.found = str(self.count)


class PlacesFree(Check):
    """No more than ``most`` requests are at the balancer at once."""

    name = "places_free"

    def __init__(self, most: float) -> None:
        super().__init__()
        self._most = most
        self.asked = f"<= {most:g} requests at once"
        self._here: dict[int, None] = {}
        self._peak = 0

    @property
    def ears(self) -> Mapping[What, Ear]:
        """See ``Check``."""
        ends = dict.fromkeys((What.COMPLETE, What.ERROR), self._ended)
        return {What.START: self._started, **ends}

    def _started(self, happening: Happening) -> None:
        if happening.req:
            self._here[happening.req] = None
        if len(self._here) > self._peak:
            self._peak = len(self._here)
            self.found = str(self._peak)
            if self._peak > self._most:
                text = f"{self._peak} requests are at the balancer at once, allowed are"
                self.object(happening, f"{text} {self._most:g}")

    def _ended(self, happening: Happening) -> None:
        self._here.pop(happening.req, None)


class ShareFalls(Check):
    """From ``since`` to ``until`` a server is picked for at most ``most`` of all tries."""

    name = "share_falls"

    def __init__(self, server: str, most: float, since: float, until: float) -> None:
        super().__init__()
        self._server = server
        self._most = most
        self.asked = f"<= {most:.1%} of the tries"
        self._since = since
        self._until = until
        self._picks = self._here = 0

    @property
    def ears(self) -> Mapping[What, Ear]:
        """See ``Check``."""
        return {What.SELECT: self._selected}

    def _selected(self, happening: Happening) -> None:
        if self._since <= happening.at < self._until:
            self._picks += 1
            self._here += happening.values[0] == self._server

    def finish(self, world: World) -> None:
        """Judge the whole time."""
        share = self._here / self._picks if self._picks else 0.0
        self.found = f"{share:.1%}"
        if share > self._most:
            text = f"{self._here} of {self._picks} tries went there, {share:.1%}; allowed are"
            self.object_at(self._until, f"{text} {self._most:.1%}", entity=self._server)


def build(setup: Setup) -> Simulation:
    """Eight servers; the first one's queue is full from second 20 on, for 30 seconds."""
    options: Any = setup.options
    sim = setup.simulation()
    names = setup.fleet(sim, 8, service=Uniform(0.010, 0.030))
    setup.balancer(sim, PROTECTED if setup.protected else UNPROTECTED)
    rate = options["rate"] * len(names)
    policy = ClientPolicy(timeout=40.0, posts=0.2)
    sim.clients("web", OpenLoop(Poisson(rate)), policy=policy)
    first = f"server:{names[0]}"
    sim.faults(at(BEGIN, Reset(first), _stall(options["how"], first)))
    sim.check(
        NobodyTurnedAway(),
        PlacesFree(0.5 * PLACES),
        ErrorRate("<0.2%"),
        Sometimes("somebody is sent to the server that accepts nobody", What.RETRY, What.ERROR),
    )
    sim.check(ComesBack(within=20.0), takes=UNTIL)
    if len(names) > 1:
        sim.check(ShareFalls(names[0], 1 / 3 / len(names), BEGIN + 10.0, END), takes=END)
    return sim


def _stall(how: object, server: str) -> Wanted:
    lasts = END - BEGIN
    if how == "slow":
        return SlowAccept(server, delay="2s", for_=lasts)
    return BacklogFull(server, overflow=how, for_=lasts)


PROTECTED: Final[Mapping[str, object]] = {
    "algorithm": "power_of_two",
    "timeouts": {"connect": "1s", "first_byte": "2s"},
    "limits": {"max_connections": PLACES},
}
UNPROTECTED: Final[Mapping[str, object]] = {
    "algorithm": "round_robin",
    "timeouts": {"connect": "30s"},
    "retry": {"max_retries": 0},
    "outlier_detection": {"enabled": False},
    "limits": {"max_connections": PLACES},
}

SCENARIO = Scenario(
    name="accept-stall",
    number=17,
    summary="one server accepts nobody for 30 s: its backlog is full",
    about="a short timeout for connecting, passive ejection, retries",
    build=build,
    until=UNTIL,
    settle=30.0,
    options={"rate": 6.0, "how": "drop"},
    limits={"rate": POSITIVE, "how": one_of("drop", "reset", "slow")},
)
