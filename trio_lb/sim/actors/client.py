"""A client, or a crowd of them: wishes come by a load, each becomes tries on connections.

An open loop does not wait for anybody's answer; a closed loop is so many users who do, and
think in between.
"""

from collections.abc import Callable, Sequence

import attrs
import trio

from trio_lb.model.address import Address
from trio_lb.net.env import ConnectError
from trio_lb.sim.actors.asking import Habit
from trio_lb.sim.actors.line import Line, Trouble
from trio_lb.sim.actors.lines import Lines
from trio_lb.sim.actors.patience import Patience
from trio_lb.sim.actors.policy import ClientPolicy
from trio_lb.sim.actors.stage import Stage
from trio_lb.sim.actors.wish import IDEMPOTENT, Try, Wish
from trio_lb.sim.arrivals import Arrivals
from trio_lb.sim.clock import Call
from trio_lb.sim.dialling import Outcome
from trio_lb.sim.distributions import Distribution, Exponential
from trio_lb.sim.happening import What
from trio_lb.sim.host import HostNetwork


@attrs.frozen(slots=True)
class OpenLoop:
    """Wishes come whether or not earlier ones were fulfilled."""

    arrivals: Arrivals


@attrs.frozen(slots=True)
class ClosedLoop:
    """So many users, each of whom wants the next thing some time after the last was there."""

    users: int
    think: Distribution = Exponential(1.0)


class ClientActor:
    """Everybody behind one name. ``targets`` are tried in turn: several balancers, say.

    For faults there are ``habits`` beside the policy's own, ``extra_retries``, which follow at
    once, and ``depth``: how many requests may wait on one connection.
    """

    def __init__(
        self,
        stage: Stage,
        name: str,
        host: HostNetwork,
        load: OpenLoop | ClosedLoop,
        policy: ClientPolicy,
        targets: Callable[[], list[Address]],
        next_number: Callable[[], int],
    ) -> None:
        self.stage = stage
        self.name = name
        self.host = host
        self.policy = policy
        self.clock = stage.clock
        self.wire = stage.wire
        self.habits: list[Habit] = []
        self.extra_retries = 0
        self.depth = 1
        self.is_closed = False
        self.open: dict[int, Wish] = {}
        self.lines = Lines(
            self.clock,
            policy.requests_per_connection,
            policy.idle_seconds,
            lambda: self.depth,
            self._got_unasked,
        )
        self._backoff_rng = stage.rng(f"backoff {name}")
        self._patience: Patience[Try] = Patience(
            self.clock, policy.timeout, lambda one: one.is_over, Try.lose_patience
        )
        self._quiet = trio.Event()
        self._load = load
        self._targets = targets
        self._turn = 0
        self._next_number = next_number
        self._arrival_rng = stage.rng(f"arrivals {name}")
        self._what_rng = stage.rng(f"wishes {name}")
        self._next: Call | None = None

    @property
    def retries(self) -> int:
        """How often it tries again, faults included."""
        return self.policy.retries + self.extra_retries

    @property
    def all_habits(self) -> Sequence[Habit]:
        """How it asks unlike others, faults included."""
        return (*self.policy.habits, *self.habits) if self.habits else self.policy.habits

    def pause_before_retry(self, retry: int) -> float:
        """Return how long it waits before its ``retry``-th retry, from 1."""
        return 0.0 if self.extra_retries else self.policy.backoff.seconds(retry, self._backoff_rng)

    # ------------------------------------------------------------------ wishes

    def start(self) -> None:
        """Begin to want things."""
        if isinstance(self._load, OpenLoop):
            self._expect(self._load.arrivals, self.clock.current_time())
        else:
            for _ in range(self._load.users):
                self._think(self._load)

    def _expect(self, arrivals: Arrivals, now: float) -> None:
        at = arrivals.next_after(now, self._arrival_rng)
        if at is not None:
            self._next = self.clock.call_at(at, lambda: self._arrive(arrivals, at))

    def _arrive(self, arrivals: Arrivals, at: float) -> None:
        if not self.is_closed:
            self._expect(arrivals, at)
            self._want()

    def _think(self, load: ClosedLoop) -> None:
        pause = load.think.draw(self._arrival_rng)
        self.clock.call_at(self.clock.current_time() + pause, self._user_wants)

    def _user_wants(self) -> None:
        if not self.is_closed:
            self._want()

    def _want(self) -> None:
        method, size = "GET", 0
        if self.policy.posts and self._what_rng.random() < self.policy.posts:
            method, size = "POST", int(self.policy.size.draw(self._what_rng))
        wish = Wish(self, self._next_number(), method, size)
        self.open[wish.number] = wish
        wish.begin()

    def over(self, wish: Wish) -> None:
        """A wish has ended."""
        del self.open[wish.number]
        if isinstance(self._load, ClosedLoop):
            self._think(self._load)
        if not self.open and self.is_closed:
            self._quiet.set()

    # ------------------------------------------------------------------ connections

    def dispatch(self, one: Try) -> None:
        """Send a try on an idle connection, or on a new one."""
        self._patience.add(one)
        line = self.lines.take(may_share=one.method in IDEMPOTENT)
        if line is not None:
            one.go(line)
        else:
            targets = self._targets()
            self._turn += 1
            one.dial(targets[self._turn % len(targets)])

    def connected(self, one: Try, outcome: Outcome) -> None:
        """A try has got its connection, or an error."""
        if isinstance(outcome, ConnectError):
            one.failed(Trouble.REFUSED if outcome.refused else Trouble.CONNECT)
            return
        end = self.stage.veil(self.name, outcome, self.policy.host)
        line = Line(end, self.lines, self.clock, self.policy.pace)
        self.lines.add(line)
        one.go(line)

    def _got_unasked(self, line: Line, size: int) -> None:
        serial = line.stream.serial
        self.wire.tell(What.NOTE, self.name, serial, 0, "bytes that nobody asked for", size)

    # ------------------------------------------------------------------ the end

    def stop(self) -> None:
        """Want nothing more. What is under way goes on; ``wait_quiet`` waits for it."""
        self.is_closed = True
        if not self.open:
            self._quiet.set()
        if self._next is not None:
            self._next.cancel()
        self.lines.close()

    async def wait_quiet(self) -> None:
        """Wait, after ``stop``, until nothing is under way."""
        await self._quiet.wait()

    def leave(self) -> None:
        """Go away in the middle of everything."""
        for wish in list(self.open.values()):
            if wish.number in self.open:  # Another's leaving may have ended it.
                wish.leave()
