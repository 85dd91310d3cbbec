"""WebSocket clients: a crowd that connects, says something now and then, closes and comes again.

    ARRIVE --> TRY --> messages, each echoed --> close --> ANSWER, DONE --> a pause --> ARRIVE ...
                 '---- broken: FAIL, DONE --> a longer pause each time --------------------^

One conversation is one request: its answer has the status 101 and as many bytes as came back.
"""

import math
from collections import deque
from collections.abc import Callable, Iterable

import attrs
import trio
from wsproto import ConnectionType
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Ping,
    Pong,
    RejectConnection,
    RejectData,
    Request,
)

from trio_lb.model.address import Address
from trio_lb.net.env import ConnectError
from trio_lb.sim.actors.end import End
from trio_lb.sim.actors.http1 import body_of
from trio_lb.sim.actors.policy import Backoff, FullJitter
from trio_lb.sim.actors.stage import Stage
from trio_lb.sim.actors.talk import Talk
from trio_lb.sim.clock import Call
from trio_lb.sim.dialling import Dialling, Outcome
from trio_lb.sim.distributions import Distribution, Fixed
from trio_lb.sim.happening import AGENT, What
from trio_lb.sim.host import HostNetwork


@attrs.frozen(slots=True)
class WebSocketPolicy:
    """How they talk. Durations are seconds.

    After a ``pause`` a conversation begins. It has so many ``messages`` of ``size`` bytes, one every
    ``every``; then it is closed, and after another pause the next one begins. One that breaks is followed by another after
    ``backoff``. ``ping_every`` asks whether the other end lives (infinite: never): without a pong
    until the next ping it does not. ``timeout`` is for connecting and being accepted.
    """

    messages: int = 10
    every: Distribution = Fixed(1.0)
    size: Distribution = Fixed(100)
    pause: Distribution = Fixed(0.0)
    ping_every: float = math.inf
    timeout: float = 30.0
    backoff: Backoff = FullJitter(1.0, 30.0)
    host: str = "sim"
    path: str = "/"


class Conversation:
    """One of them: from the wish for it to its end, which is told once."""

    def __init__(self, crowd: "WebSocketActor", number: int, failures: int) -> None:
        self.number = number
        self.failures = failures
        self._crowd = crowd
        self._talk: Talk | None = None
        self._dialling: Dialling | None = None
        self._began_at = crowd.clock.current_time()
        self._server = ""
        self._refusal = 0  # The status of an answer that is none of a WebSocket.
        self._is_accepted = False
        self._awaits_pong = False
        self._got_bytes = 0
        self._to_say = crowd.policy.messages
        self._unanswered: deque[bytes] = deque()
        self._calls: dict[str, Call] = {}
        self.is_over = False
        self._plan("patience", crowd.policy.timeout, lambda: self._fail("timeout"))

    def _plan(self, what: str, seconds: float, make: Callable[[], object]) -> None:
        if seconds != math.inf:
            clock = self._crowd.clock
            self._calls[what] = clock.call_at(clock.current_time() + seconds, make)

    def _tell(self, what: What, *values: int | str) -> None:
        conn = 0 if self._talk is None else self._talk.stream.serial
        self._crowd.wire.tell(what, self._crowd.name, conn, self.number, *values)

    def dial(self, target: Address) -> None:
        """Connect, and then ask for a WebSocket."""
        self._dialling = Dialling(self._crowd.clock, self._crowd.host, target, self._connected)

    def _connected(self, outcome: Outcome) -> None:
        self._dialling = None
        if isinstance(outcome, ConnectError):
            self._fail("refused" if outcome.refused else "connect")
        else:
            crowd = self._crowd
            self._begin(crowd.stage.veil(crowd.name, outcome, crowd.policy.host))

    def _begin(self, stream: End) -> None:
        self._talk = Talk(stream, ConnectionType.CLIENT, self._heard, self._event, self._broke)
        self._tell(What.TRY, 1, "GET")
        policy = self._crowd.policy
        agent = (b"user-agent", f"{AGENT}{self.number}".encode())
        self._talk.say(Request(host=policy.host, target=policy.path, extra_headers=[agent]))

    def _event(self, event: Event) -> None:
        match event:
            case AcceptConnection():
                self._accepted(event)
            case RejectConnection():
                self._server, self._refusal = _served_by(event.headers), event.status_code
            case RejectData():
                self._got_bytes += len(event.data)
                if event.body_finished:
                    values = self._refusal, self._got_bytes, self._took_ns(), self._server
                    self._end(What.ANSWER, *values)
            case Pong():
                self._awaits_pong = False
            case CloseConnection():
                self._closed(event)

    def _accepted(self, event: AcceptConnection) -> None:
        self._is_accepted = True
        patience = self._calls.pop("patience", None)
        if patience is not None:
            patience.cancel()
        self._server = _served_by(event.extra_headers)
        self._plan("ping", self._crowd.policy.ping_every, self._ping)
        self._speak()

    def _speak(self) -> None:
        assert self._talk is not None, "it was accepted"
        if not self._to_say or self._crowd.is_closed:
            self._talk.say(CloseConnection(code=1000))
            return
        self._to_say -= 1
        size = int(self._crowd.policy.size.draw(self._crowd.rng))
        payload = body_of(self.number, size)
        self._unanswered.append(payload)
        self._talk.say(BytesMessage(payload))
        self._plan("speak", self._crowd.policy.every.draw(self._crowd.rng), self._speak)

    def _ping(self) -> None:
        assert self._talk is not None, "it was accepted"
        if self._awaits_pong:
            self._fail("timeout")
            return
        self._awaits_pong = True
        self._talk.say(Ping(b"?"))
        self._plan("ping", self._crowd.policy.ping_every, self._ping)

    def _heard(self, payload: bytes) -> None:
        self._got_bytes += len(payload)
        if not self._unanswered or payload != self._unanswered.popleft():
            self._fail("altered")

    def _closed(self, close: CloseConnection) -> None:
        """Our close was answered, or the other end wanted one: then something may be missing."""
        assert self._talk is not None, "it was accepted"
        self._talk.say(close.response())  # Nothing, if this is the answer to ours.
        if self._unanswered or (self._to_say and not self._crowd.is_closed):
            self._fail("away")
        else:
            self._end(What.ANSWER, 101, self._got_bytes, self._took_ns(), self._server)

    def _broke(self, reason: str) -> None:
        self._fail("cut" if self._is_accepted and reason != "garbled" else reason)

    def leave(self) -> None:
        """Go away in the middle."""
        self._fail("left")

    def _fail(self, reason: str) -> None:
        self._end(What.FAIL, reason, self._took_ns(), int(self._is_accepted))

    def _took_ns(self) -> int:
        return round((self._crowd.clock.current_time() - self._began_at) * 1e9)

    def _end(self, what: What, *values: int | str) -> None:
        if self.is_over:
            return
        self.is_over = True
        for call in self._calls.values():
            call.cancel()
        self._tell(what, *values)
        good = what is What.ANSWER and values[0] == 101
        self._tell(What.DONE, int(good), 1, self._took_ns(), "" if good else str(values[0]))
        if self._dialling is not None:
            self._dialling.leave()
        if self._talk is not None:
            self._talk.leave(reset=what is What.FAIL and values[0] != "away")
        self._crowd.over(self, good=good)


def _served_by(fields: Iterable[tuple[bytes, bytes]]) -> str:
    by_name = {bytes(name).lower(): bytes(value) for name, value in fields}
    return by_name.get(b"x-served-by", b"").decode("latin-1")


class WebSocketActor:
    """So many WebSocket clients behind one name; ``targets`` are taken in turn."""

    def __init__(
        self,
        stage: Stage,
        name: str,
        host: HostNetwork,
        count: int,
        policy: WebSocketPolicy,
        targets: Callable[[], list[Address]],
        next_number: Callable[[], int],
    ) -> None:
        self.stage = stage
        self.name = name
        self.host = host
        self.count = count
        self.policy = policy
        self.clock = stage.clock
        self.wire = stage.wire
        self.rng = stage.rng(f"websockets {name}")
        self.is_closed = False
        self.open: dict[int, Conversation] = {}
        self._targets = targets
        self._turn = 0
        self._next_number = next_number
        self._quiet = trio.Event()

    def start(self) -> None:
        """Begin all of the conversations, each after a pause; without one all at once."""
        for _ in range(self.count):
            self._want_after(self.policy.pause.draw(self.rng), 0)

    def _want_after(self, seconds: float, failures: int) -> None:
        self.clock.call_at(self.clock.current_time() + seconds, lambda: self._want(failures))

    def _want(self, failures: int) -> None:
        if self.is_closed:
            return
        one = Conversation(self, self._next_number(), failures)
        self.open[one.number] = one
        self.wire.tell(What.ARRIVE, self.name, 0, one.number, "GET")
        targets = self._targets()
        self._turn += 1
        one.dial(targets[self._turn % len(targets)])

    def over(self, one: Conversation, *, good: bool) -> None:
        """A conversation has ended; the next one is planned."""
        del self.open[one.number]
        failures = 0 if good else one.failures + 1
        pause = self.policy.pause.draw(self.rng) if good else self._backoff(failures)
        self._want_after(pause, failures)
        if self.is_closed and not self.open:
            self._quiet.set()

    def _backoff(self, failures: int) -> float:
        return self.policy.backoff.seconds(failures, self.rng)

    def stop(self) -> None:
        """Begin no more; each that goes on says no more than what it has said, and closes."""
        self.is_closed = True
        if not self.open:
            self._quiet.set()

    async def wait_quiet(self) -> None:
        """Wait, after ``stop``, until nothing is under way."""
        await self._quiet.wait()

    def leave(self) -> None:
        """Go away in the middle of everything."""
        for one in list(self.open.values()):
            one.leave()
