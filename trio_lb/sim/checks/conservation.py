"""Conservation: whatever begins ends, exactly once, for clients and for balancers."""

from collections.abc import Mapping

from trio_lb.sim.checks.check import Check
from trio_lb.sim.checks.faults import NEVER
from trio_lb.sim.checks.rebirth import Rebirth
from trio_lb.sim.checks.world import World
from trio_lb.sim.happening import Ear, Happening, What


class EveryArrivalIsDone(Check):
    """Whoever wants something hears of its end: each ARRIVE has exactly one DONE."""

    name = "every_arrival_is_done"

    def __init__(self) -> None:
        super().__init__()
        self._open: dict[int, Happening] = {}

    @property
    def ears(self) -> Mapping[What, Ear]:
        """See ``Check``."""
        return {What.ARRIVE: self._arrived, What.DONE: self._done}

    def _arrived(self, happening: Happening) -> None:
        if happening.req in self._open:
            self.object(happening, "it arrived twice")
        self._open[happening.req] = happening

    def _done(self, happening: Happening) -> None:
        if self._open.pop(happening.req, None) is None:
            self.object(happening, "it was done twice, or never arrived")

    def finish(self, world: World) -> None:
        """Everybody has gone, so nobody still waits."""
        for arrival in self._open.values():
            self.object(arrival, "it arrived, and was never done")
        self._open.clear()


class EveryTryEnds(Check):
    """Each TRY has one ANSWER or FAIL, and no answer comes that nobody waits for.

    A try that never got a connection fails without a TRY, so a FAIL alone is legal.
    """

    name = "every_try_ends"

    def __init__(self) -> None:
        super().__init__()
        self._open: dict[int, Happening] = {}

    @property
    def ears(self) -> Mapping[What, Ear]:
        """See ``Check``."""
        return {What.TRY: self._tried, What.ANSWER: self._answered, What.FAIL: self._failed}

    def _tried(self, happening: Happening) -> None:
        if happening.req in self._open:
            self.object(happening, "another try began before the last one had ended")
        self._open[happening.req] = happening

    def _answered(self, happening: Happening) -> None:
        if self._open.pop(happening.req, None) is None:
            status = happening.values[0]
            self.object(happening, f"an answer {status} came, and no try was waiting for it")

    def _failed(self, happening: Happening) -> None:
        self._open.pop(happening.req, None)

    def finish(self, world: World) -> None:
        """Everybody has gone, so no try is under way."""
        for attempt in self._open.values():
            self.object(attempt, "this try had neither an answer nor a failure")
        self._open.clear()


class EveryStartEnds(Check):
    """Each START of a balancer has exactly one COMPLETE or ERROR.

    A client that tried again may have several requests of one number at a balancer at once,
    so they are counted. What a balancer did not start as HTTP (a tunnel) has no number, and
    what is under way when its host crashes has no end that anybody could tell.
    """

    name = "every_start_ends"

    def __init__(self) -> None:
        super().__init__()
        self._open: dict[str, dict[int, list[Happening]]] = {}
        self._killed_at: dict[str, float] = {}
        self._rebirth = Rebirth(self._forget)

    @property
    def ears(self) -> Mapping[What, Ear]:
        """See ``Check``."""
        ends = dict.fromkeys((What.COMPLETE, What.ERROR), self._ended)
        return {What.START: self._started, **ends, **self._rebirth.ears}

    def begin(self, world: World) -> None:
        """See ``Check``."""
        super().begin(world)
        self._rebirth.begin(world)

    def _started(self, happening: Happening) -> None:
        if happening.req:
            open_here = self._open.setdefault(happening.entity, {})
            open_here.setdefault(happening.req, []).append(happening)

    def _ended(self, happening: Happening) -> None:
        if not happening.req:
            return
        open_here = self._open.get(happening.entity, {})
        starts = open_here.get(happening.req)
        if starts is None:
            self._judge_unknown(happening)
            return
        starts.pop(0)
        if not starts:
            del open_here[happening.req]

    def _judge_unknown(self, happening: Happening) -> None:
        began = happening.at - int(happening.values[4]) / 1e9
        if began > self._killed_at.get(happening.entity, NEVER):
            self.object(happening, "it ended here twice, or without a start")

    def _forget(self, balancer: str, _: None) -> None:
        self._killed_at[balancer] = self.world.clock.current_time()
        self._open.pop(balancer, None)

    def finish(self, world: World) -> None:
        """Balancers have stopped: whatever was under way has ended, if by a cut."""
        for open_here in self._open.values():
            for starts in open_here.values():
                for start in starts:
                    self.object(start, "it was started, and neither completed nor failed")
        self._open.clear()
