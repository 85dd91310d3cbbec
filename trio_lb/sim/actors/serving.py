"""One connection of a server: requests one after the other, each through the server's queue.

    IDLE --HEAD--> READING --WHOLE--> WORKING --ANSWER--> ANSWERING --SENT--> IDLE
      '---------------'------------------'--------------------'-----LEAVE---> GONE

What is pipelined waits in the reader. An end of file that follows a request does not stop its
answer; one before a request is whole ends the connection.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

import trio

from trio_lb.model import step
from trio_lb.model.errors import IllegalTransition
from trio_lb.sim.actors.conduct import Answer, Then
from trio_lb.sim.actors.delivery import Delivery
from trio_lb.sim.actors.echo import Echo, wants_websocket
from trio_lb.sim.actors.end import End
from trio_lb.sim.actors.http1 import Garbled, Head, MessageReader, body_of
from trio_lb.sim.actors.station import Job
from trio_lb.sim.clock import Call
from trio_lb.sim.happening import What

if TYPE_CHECKING:
    from trio_lb.sim.actors.server import ServerActor

_PIECE_BYTES: Final = 65536
_PROBE: Final = b"trio-lb-health/"
"""How the user agent of a health probe begins."""


class At(step.Step):
    """Where a connection is with its request."""

    IDLE = "idle"
    READING = "reading"
    WORKING = "working"
    ANSWERING = "answering"
    GONE = "gone"


class Step(step.Step):
    """What leads on."""

    HEAD = "head"
    WHOLE = "whole"
    ANSWER = "answer"
    SENT = "sent"
    LEAVE = "leave"


TRANSITIONS: Final[Mapping[At, Mapping[Step, At]]] = {
    At.IDLE: {Step.HEAD: At.READING, Step.LEAVE: At.GONE},
    At.READING: {Step.WHOLE: At.WORKING, Step.LEAVE: At.GONE},
    At.WORKING: {Step.ANSWER: At.ANSWERING, Step.LEAVE: At.GONE},
    At.ANSWERING: {Step.SENT: At.IDLE, Step.LEAVE: At.GONE},
    At.GONE: {},
}


class ServerConnection:
    """Reads a request, has it worked on, answers, reads the next one."""

    __slots__ = (
        "_answer",
        "_at",
        "_delivery",
        "_echo",
        "_has_ended",
        "_idle",
        "_job",
        "_method",
        "_number",
        "_reader",
        "_server",
        "_taken_at",
        "_watch",
        "stream",
    )

    def __init__(self, server: "ServerActor", stream: End) -> None:
        self.stream = stream
        self._server = server
        self._at = At.IDLE
        self._reader = MessageReader()
        self._delivery = Delivery(server, stream, self._sent, self._broken)
        self._job: Job | None = None
        self._answer: Answer | None = None
        self._echo: Echo | None = None
        self._number = 0
        self._method = ""
        self._taken_at = 0.0
        self._has_ended = False
        self._idle: Call | None = None
        self._watch = stream.watch_arrivals(self._look)
        self._begin_idling()

    def _take(self, step: Step) -> None:
        after = TRANSITIONS[self._at].get(step)
        if after is None:
            raise IllegalTransition(f"a connection that is {self._at.value}: {step.value}")
        self._at = after

    @property
    def held_bytes(self) -> int:
        """How much memory the request takes that is worked on."""
        head = self._reader.head
        if self._at is not At.WORKING or head is None:
            return 0
        return head.size + len(self._reader.body)

    # ------------------------------------------------------------------ reading

    def _look(self) -> None:
        """Something arrived. While a request is worked on, only its client's leaving matters."""
        if self._server.host.is_paused:
            return  # ``go_on`` looks again.
        try:
            while data := self.stream.receive_nowait(_PIECE_BYTES):
                self._reader.feed(data)
        except trio.BrokenResourceError:
            self._broken()
        except trio.ClosedResourceError:
            self._vanish()
        except Garbled as error:
            self._refuse(error)
        else:
            if data is None:
                self._watch.arm()
            else:
                self._has_ended = True
            self._read()

    def _read(self) -> None:
        """Go on with what has come, one request at a time."""
        if self._at is At.GONE:
            return
        try:
            if self._at is At.IDLE:
                self._read_head()
            if self._at is At.READING and self._reader.is_whole:
                self._take(Step.WHOLE)
                self._serve()
        except Garbled as error:
            self._refuse(error)
        else:
            if self._has_ended:
                self._heed_end()

    def _read_head(self) -> None:
        head = self._reader.read_head()
        if head is None:
            return
        self._take(Step.HEAD)
        self._stop_idling()
        self._taken_at = self._now
        self._method = head.method
        self._number = head.number
        station = self._server.station
        self._tell(What.TAKE, self._method, len(station.in_service), station.waiting)
        self._reader.expect(*head.framing())

    def _serve(self) -> None:
        head, body = self._reader.head, self._reader.body
        assert head is not None, "the request is whole"
        if self._is_probe(head):
            self._after(self._server.settings.health_seconds, self._answer_probe)
            return
        if body and self._number and body != body_of(self._number, len(body)):
            self._tell(What.NOTE, "a request's body was altered")
        refusal = self._server.refusal()
        if refusal is not None:
            self._send(refusal)
            return
        self._job = self._server.work(self._begun, self._done)
        if self._job is None:
            self._turn_away()

    def _is_probe(self, head: Head) -> bool:
        return not self._number and (head.get(b"user-agent") or b"").startswith(_PROBE)

    # ------------------------------------------------------------------ answering

    def _begun(self) -> None:
        self._tell(What.BEGIN, round((self._now - self._taken_at) * 1e9))

    def _done(self) -> None:
        self._job = None
        if self._server.holds(self._done):
            return
        if self.stream.is_closed:
            self._vanish()
            return
        head = self._reader.head
        if head is not None and wants_websocket(head):
            self._take(Step.ANSWER)
            self._watch.rest()
            self._tell(What.SWITCH)
            name = self._server.name
            self._echo = Echo(self.stream, head, name, self._conversed, self._conversation_broke)
            return
        answer = self._server.answer_to(self._number, is_head_only=self._method == "HEAD")
        if answer.seconds:
            self._after(answer.seconds, lambda: self._send(answer))
        else:
            self._send(answer)

    def _conversed(self, size: int) -> None:
        self._tell(What.REPLY, 101, size, round((self._now - self._taken_at) * 1e9))
        self._leave()

    def _conversation_broke(self, reason: str) -> None:
        self._tell(What.DROP, "gone")
        self._leave(reset=reason == "garbled")

    def _turn_away(self) -> None:
        if self._server.resets_when_full:
            self._tell(What.DROP, "full")
            self._leave(reset=True)
        else:
            self._send(Answer(self._server.name, 503, b"full"))

    def _answer_probe(self) -> None:
        if self._at is not At.WORKING or self._server.holds(self._answer_probe):
            return
        status = self._server.health_status()
        self._server.stage.wire.tell(What.PROBE, self._server.name, self.stream.serial, 0, status)
        self._send(Answer(self._server.name, status, b"ok" if status < 400 else b"no"))

    def _send(self, answer: Answer) -> None:
        if self._at is not At.WORKING or self._server.holds(lambda: self._send(answer)):
            return
        self._answer = answer
        self._take(Step.ANSWER)
        self._delivery.begin(answer)

    def _sent(self) -> None:
        answer = self._answer
        assert answer is not None, "something was sent"
        if answer.is_whole:
            took = round((self._now - self._taken_at) * 1e9)
            self._tell(What.REPLY, answer.status, len(answer.body), took)
        else:
            self._tell(What.DROP, "cut" if answer.is_cut else "fault")
        match answer.then:
            case Then.HANG:
                self._number = 0  # It was told what becomes of it.
            case Then.KEEP if self._keeps_alive():
                self._next_request()
            case _:
                self._leave(reset=answer.then is Then.RESET)

    def _keeps_alive(self) -> bool:
        head = self._reader.head
        return head is not None and head.keeps_alive

    def _next_request(self) -> None:
        self._take(Step.SENT)
        self._reader.next_message()
        self._answer, self._number = None, 0
        self._begin_idling()
        if self._reader.has_begun:
            self._after(0.0, self._read)  # Pipelined: not from here, or thousands would nest.
        elif self._has_ended:
            self._heed_end()

    # ------------------------------------------------------------------ the end

    def _begin_idling(self) -> None:
        seconds = self._server.settings.keep_alive_seconds
        if seconds != float("inf"):
            clock = self._server.stage.clock
            self._idle = clock.call_at(clock.current_time() + seconds, self._close_idle)

    def _stop_idling(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None

    def _close_idle(self) -> None:
        if not self._server.holds(self._close_idle) and self._at is At.IDLE:
            self._leave()

    def _heed_end(self) -> None:
        """The client's end of file: what it asked before is answered still, by most servers."""
        if self._at is At.GONE:
            return
        is_busy = self._at in (At.WORKING, At.ANSWERING)
        if not is_busy or self._server.settings.notices_leaving:
            self._client_left()

    def _broken(self) -> None:
        self._client_left(reset=True)

    def _refuse(self, error: Garbled) -> None:
        self._tell(What.NOTE, f"garbled request: {error}", always=True)
        self._client_left(reset=True)

    def _client_left(self, *, reset: bool = False) -> None:
        if self._at is not At.IDLE:
            self._tell(What.DROP, "gone")
        if self._job is not None and self._server.settings.notices_leaving:
            self._job.abandon()
        elif self._job is not None:
            self._job.disown()
        self._leave(reset=reset)

    def _vanish(self) -> None:
        """The connection was taken from us, by a fault in its middle."""
        self.die("fault")
        self._server.connections.pop(self.stream.serial, None)

    def go_on(self) -> None:
        """The host works again: look at what came meanwhile."""
        self._watch.arm()

    def die(self, reason: str = "crash") -> None:
        """The process is gone: whatever was asked gets no answer. The host closes the stream."""
        if self._at is At.GONE:
            return
        if self._at is not At.IDLE:
            self._tell(What.DROP, reason)
        self._part()

    def close(self) -> None:
        """Say FIN."""
        if self._at is not At.GONE:
            self._leave()

    def _leave(self, *, reset: bool = False) -> None:
        self._part()
        if reset:
            self.stream.abort()
        else:
            self.stream.close()
        self._server.connections.pop(self.stream.serial, None)

    def _part(self) -> None:
        self._take(Step.LEAVE)
        self._stop_idling()
        self._delivery.end()
        self._watch.end()
        if self._echo is not None:
            self._echo.rest()

    # ------------------------------------------------------------------ helpers

    @property
    def _now(self) -> float:
        return self._server.stage.clock.current_time()

    def _after(self, seconds: float, make: Callable[[], object]) -> None:
        self._server.stage.clock.call_at(self._now + seconds, make)

    def _tell(self, what: What, *values: int | str, always: bool = False) -> None:
        """Tell of a request of the simulation; others (probes) have no number and are no news."""
        if self._number or always:
            wire, name = self._server.stage.wire, self._server.name
            wire.tell(what, name, self.stream.serial, self._number, *values)
