"""A box between the balancer and its servers forgets idle connections, and tells nobody.

    burst | silence: 30 s, the box forgets after 20 s | burst: every idle connection is a hole

What must hold: who is sent into a hole is sought elsewhere when the attempt's time is up, once,
over a connection that is fresh; what idled as long is given up unseen; nobody asks twice for
what must not be done twice, and no client hears of it.
"""

from collections.abc import Mapping
from typing import Any, Final

from trio_lb.sim.actors.client import OpenLoop
from trio_lb.sim.actors.policy import ClientPolicy
from trio_lb.sim.arrivals import Steps
from trio_lb.sim.checks import Check, ComesBack, ErrorRate, Sometimes
from trio_lb.sim.distributions import Uniform
from trio_lb.sim.faults.fluent import IdleDrop, at
from trio_lb.sim.happening import Ear, Happening, What
from trio_lb.sim.limits import POSITIVE, at_least
from trio_lb.sim.scenario import Scenario, Setup
from trio_lb.sim.simulation import Simulation

BEGIN: Final = 5.0
BURSTS: Final = ((0.0, 15.0), (45.0, 60.0), (90.0, 105.0), (130.0, 145.0))
"""From when to when requests come. The last burst follows the heal."""
HEALED: Final = 115.0
GRACE_SECONDS: Final = 0.05
"""Beyond an attempt's time: a timer's turn, and the way."""


class _LostTries(Check):
    """Follows tries that no server ever took: they were sent into a hole.

    ``judge`` is called when one is over: who was tried, from when to ``happening``.
    """

    def __init__(self) -> None:
        super().__init__()
        self._out: dict[int, tuple[str, float]] = {}

    @property
    def ears(self) -> Mapping[What, Ear]:
        """See ``Check``."""
        ends = dict.fromkeys((What.RETRY, What.COMPLETE, What.ERROR), self._over)
        return {What.SELECT: self._selected, What.TAKE: self._taken, **ends}

    def _selected(self, happening: Happening) -> None:
        if happening.req:
            self._out[happening.req] = (str(happening.values[0]), happening.at)

    def _taken(self, happening: Happening) -> None:
        self._out.pop(happening.req, None)

    def _over(self, happening: Happening) -> None:
        lost = self._out.pop(happening.req, None)
        if lost is not None:
            self.judge(happening, *lost)

    def judge(self, happening: Happening, server: str, since: float) -> None:
        """Judge a lost try."""
        raise NotImplementedError


class FoundSoon(_LostTries):
    """A try that was sent into a hole is given up ``within`` seconds."""

    name = "found_soon"

    def __init__(self, within: float) -> None:
        super().__init__()
        self._within = within
        self.asked = f"<= {within:g} s"
        self._longest = 0.0

    def judge(self, happening: Happening, server: str, since: float) -> None:
        """See ``_LostTries``."""
        took = happening.at - since
        self._longest = max(self._longest, took)
        self.found = f"{self._longest:.2f} s"
        if took > self._within + GRACE_SECONDS:
            text = f"{server} never got it, which took {took:.3f} s to find; allowed are"
            self.object(happening, f"{text} {self._within:g} s")


class LostOnce(_LostTries):
    """No request is sent into a hole twice: a retry trusts no idle connection."""

    name = "lost_once"

    def __init__(self) -> None:
        super().__init__()
        self.asked = "requests that were lost, none of them twice"
        self.found = "0"
        self.lost: dict[int, str] = {}

    def judge(self, happening: Happening, server: str, since: float) -> None:
        """See ``_LostTries``."""
        before = self.lost.get(happening.req)
        if before is not None:
            self.object(happening, f"it was lost on the way to {before}, and again to {server}")
        self.lost[happening.req] = server
        self.found = str(len(self.lost))


class PoolPurged(_LostTries):
    """Once a hole was found, no idle connection that may be one is used to the same server.

    A connection made after the find can be a hole only after ``idle`` seconds of silence.
    """

    name = "pool_purged"

    def __init__(self, idle: float) -> None:
        super().__init__()
        self._idle = idle
        self._found: dict[str, float] = {}
        self.asked = "tries over an old connection after a find"
        self.found = "0"

    def judge(self, happening: Happening, server: str, since: float) -> None:
        """See ``_LostTries``."""
        found = self._found.get(server)
        if found is not None and found < since < found + self._idle:
            text = f"sent to {server} over a connection that idled for long, {since - found:.3f} s"
            self.object(happening, f"{text} after another such was found dead")
            self.found = str(self.count)
        if found is None or since >= found + self._idle:
            self._found[server] = happening.at


class _Gap:
    """Says of the first arrival after a silence that the box did not bear, while it is there."""

    def __init__(self, idle: float) -> None:
        self._idle = idle
        self._last = 0.0
        self._is_gone = False

    def __call__(self, happening: Happening) -> bool:
        if happening.what is What.HEALED:
            self._is_gone = True
        if self._is_gone:
            return False
        last, self._last = self._last, happening.at
        return last > BEGIN and happening.at - last > self._idle


def build(setup: Setup) -> Simulation:
    """Six servers behind a box that forgets after 20 s; three bursts meet its work."""
    options: Any = setup.options
    sim = setup.simulation()
    names = setup.fleet(sim, 6, service=Uniform(0.010, 0.030))
    timeouts: dict[str, object] = {"upstream_keep_alive": options["keep_alive"]}
    config: dict[str, object] = {"timeouts": timeouts}
    if setup.protected:
        timeouts["first_byte"] = options["within"]
    else:
        config["retry"] = {"max_retries": 0}
    setup.balancer(sim, config)
    rate = options["rate"] * len(names)
    steps = [each for begin, end in BURSTS for each in ((begin, rate), (end, 0.0))]
    sim.clients("web", OpenLoop(Steps(steps)), policy=ClientPolicy(timeout=60.0, posts=0.2))
    idle, lasts = options["idle"], HEALED - BEGIN
    boxes = [IdleDrop(f"server:{name}", idle=idle, for_=lasts) for name in names]
    sim.faults(at(BEGIN, *boxes))
    sim.check(
        FoundSoon(options["within"]),
        LostOnce(),
        PoolPurged(idle),
        ErrorRate("<0.1%"),
        ComesBack(within=10.0),
        Sometimes(
            "a request after a silence that the box did not bear",
            *(What.ARRIVE, What.HEALED),
            when=_Gap(idle),
        ),
    )
    return sim


SCENARIO = Scenario(
    name="silent-nat-drop",
    number=16,
    summary="a box in the middle forgets idle connections without a word",
    about="a timeout for each attempt, retries over fresh connections",
    build=build,
    until=120.0,
    settle=30.0,
    options={"rate": 12.0, "idle": 20.0, "within": 1.0, "keep_alive": 60.0},
    limits={"rate": POSITIVE, "idle": POSITIVE, "within": POSITIVE, "keep_alive": at_least(0)},
)
