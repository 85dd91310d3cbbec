"""Answers: each to whoever asked, with all of its bytes, or visibly cut."""

from collections.abc import Mapping
from typing import Final

from trio_lb.sim.checks.carried import Carried
from trio_lb.sim.checks.check import Check
from trio_lb.sim.checks.faults import Weather
from trio_lb.sim.happening import Ear, Happening, What

MOST_REPLIES: Final = 10_000
"""So many answers may be on their way from servers to clients."""

CUTS: Final = ("cut", "crash")
"""Why no whole answer comes, where the client must be able to see that."""


class NoCrosstalk(Check):
    """Nobody gets an answer to another's request."""

    name = "no_crosstalk"

    def __init__(self) -> None:
        super().__init__()
        self._carried = Carried()

    @property
    def ears(self) -> Mapping[What, Ear]:
        """See ``Check``."""
        return {**self._carried.ears, What.FAIL: self._failed}

    def _failed(self, happening: Happening) -> None:
        if happening.values[0] == "alien" and not self._carried.excuses(
            happening.entity, self.world
        ):
            self.object(happening, "the answer belongs to another request")


class BytesExact(Check):
    """What a client takes for a whole answer is what the server sent, byte by byte.

    An answer may be cut, if the client can see it. One whose bytes differ, that is no HTTP,
    or that is shorter than what the server handed over, is not *visibly* cut; nor is one that
    looks whole although its server told that no whole one would come. Where a fault let the
    server itself send other bytes than it should, nobody can tell whose they are.
    """

    name = "bytes_exact"

    def __init__(self) -> None:
        super().__init__()
        # Of each request the server's connection that has it, and what was handed over there.
        self._replies: dict[int, tuple[int, Happening | None]] = {}
        self._cuts: dict[int, str] = {}
        self._spoilt: dict[int, None] = {}
        self._carried = Carried()

    @property
    def ears(self) -> Mapping[What, Ear]:
        """See ``Check``."""
        return {
            **self._carried.ears,
            What.TAKE: self._taken,
            What.REPLY: self._replied,
            What.DROP: self._dropped,
            What.ANSWER: self._answered,
            What.FAIL: self._failed,
        }

    def _taken(self, happening: Happening) -> None:
        """Another try: what becomes of the one before is no news of this one, even if it comes later."""
        if self._cuts:
            self._cuts.pop(happening.req, None)
        if happening.req in self._replies:
            self._replies[happening.req] = (happening.conn, None)
        else:
            self._remember(happening, None)

    def _dropped(self, happening: Happening) -> None:
        if happening.values[0] in CUTS:
            cuts = self._cuts
            cuts[happening.req] = happening.entity
            if len(cuts) > MOST_REPLIES:
                del cuts[next(iter(cuts))]
        elif happening.values[0] == "fault":
            self._spoilt[happening.req] = None

    def _replied(self, happening: Happening) -> None:
        taken = self._replies.get(happening.req)
        if taken is None or taken[0] == happening.conn:
            self._remember(happening, happening)

    def _remember(self, happening: Happening, reply: Happening | None) -> None:
        replies = self._replies
        replies[happening.req] = (happening.conn, reply)
        if len(replies) > MOST_REPLIES:  # Of clients that left, and never come for them.
            del replies[next(iter(replies))]

    def _answered(self, happening: Happening) -> None:
        _, reply = self._replies.pop(happening.req, (0, None))
        size, server = happening.values[1], happening.values[3]
        if self._cuts.pop(happening.req, None) == server:
            self.object(happening, f"{size} bytes passed for whole, where {server} was cut off")
        if reply is not None and reply.entity == server and reply.values[1] != size:
            self.object(happening, f"{size} bytes came of the {reply.values[1]} that {server} sent")

    def _failed(self, happening: Happening) -> None:
        reason = happening.values[0]
        if self._carried.excuses(happening.entity, self.world):
            return
        if reason == "altered" and happening.req not in self._spoilt:
            self.object(happening, "bytes of the answer differ from what the server sent")
        elif reason == "garbled":
            self.object(happening, "what came is no HTTP")


class CompleteIsWhole(Check):
    """What a balancer calls complete, its client has seen whole, unless a fault came between.

    A client that sees an end in mid answer (``cut``, ``closed``) of a request that its
    balancer told of as COMPLETE was lied about: the books would show no error.
    """

    name = "complete_is_whole"

    def __init__(self) -> None:
        super().__init__()
        self._completed: dict[int, Happening] = {}
        self._weather = Weather()

    @property
    def ears(self) -> Mapping[What, Ear]:
        """See ``Check``."""
        return {
            What.COMPLETE: self._complete,
            What.ANSWER: self._answered,
            What.FAIL: self._failed,
            **self._weather.ears,
        }

    def _complete(self, happening: Happening) -> None:
        completed = self._completed
        completed[happening.req] = happening
        if len(completed) > MOST_REPLIES:
            del completed[next(iter(completed))]

    def _answered(self, happening: Happening) -> None:
        self._completed.pop(happening.req, None)

    def _failed(self, happening: Happening) -> None:
        complete = self._completed.pop(happening.req, None)
        if complete is None or happening.values[0] not in ("cut", "closed"):
            return
        began = happening.at - int(happening.values[1]) / 1e9
        # What was complete before this try began was another's.
        if complete.at >= began and self._weather.was_calm(began):
            self.object(
                happening,
                f"{complete.entity} told it as complete, its client saw it {happening.values[0]}",
            )
