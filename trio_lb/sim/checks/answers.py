"""Answers: each to whoever asked, with all of its bytes, or visibly cut."""

from collections.abc import Mapping

from trio_lb.sim.checks.check import Check
from trio_lb.sim.checks.faults import Weather
from trio_lb.sim.happening import Ear, Happening, What


class NoCrosstalk(Check):
    """Nobody gets an answer to another's request."""

    name = "no_crosstalk"

    @property
    def ears(self) -> Mapping[What, Ear]:
        """See ``Check``."""
        return {What.FAIL: self._failed}

    def _failed(self, happening: Happening) -> None:
        if happening.values[0] == "alien":
            self.object(happening, "the answer belongs to another request")


class BytesExact(Check):
    """What a client takes for a whole answer is what the server sent, byte by byte.

    An answer may be cut, if the client can see it. One whose bytes differ, that is no HTTP,
    or that is shorter than what the server handed over, is not *visibly* cut.
    """

    name = "bytes_exact"

    def __init__(self) -> None:
        super().__init__()
        self._replies: dict[int, dict[str, int]] = {}

    @property
    def ears(self) -> Mapping[What, Ear]:
        """See ``Check``."""
        return {
            What.REPLY: self._replied,
            What.ANSWER: self._answered,
            What.FAIL: self._failed,
            What.DONE: self._done,
        }

    def _replied(self, happening: Happening) -> None:
        if happening.req:
            size = int(happening.values[1])
            self._replies.setdefault(happening.req, {})[happening.entity] = size

    def _answered(self, happening: Happening) -> None:
        _, size, _, server = happening.values
        sent = self._replies.get(happening.req, {}).get(str(server))
        if sent is not None and sent != size:
            self.object(happening, f"{size} bytes came of the {sent} that {server} sent")

    def _failed(self, happening: Happening) -> None:
        reason = happening.values[0]
        if reason == "altered":
            self.object(happening, "bytes of the answer differ from what the server sent")
        elif reason == "garbled":
            self.object(happening, "what came is no HTTP")

    def _done(self, happening: Happening) -> None:
        self._replies.pop(happening.req, None)


class CompleteIsWhole(Check):
    """What a balancer calls complete, its client has seen whole, unless a fault came between.

    A client that sees an end in mid answer (``cut``, ``closed``) of a request that its
    balancer told of as COMPLETE was lied about: the books would show no error.
    """

    name = "complete_is_whole"

    def __init__(self) -> None:
        super().__init__()
        self._completed: dict[int, str] = {}
        self._weather = Weather()

    @property
    def ears(self) -> Mapping[What, Ear]:
        """See ``Check``."""
        return {
            What.TRY: self._forget,
            What.DONE: self._forget,
            What.COMPLETE: self._complete,
            What.FAIL: self._failed,
            **self._weather.ears,
        }

    def _forget(self, happening: Happening) -> None:
        self._completed.pop(happening.req, None)

    def _complete(self, happening: Happening) -> None:
        if happening.req:
            self._completed[happening.req] = happening.entity

    def _failed(self, happening: Happening) -> None:
        balancer = self._completed.get(happening.req)
        reason, lasted = happening.values[0], int(happening.values[1]) / 1e9
        if balancer is None or reason not in ("cut", "closed"):
            return
        if self._weather.was_calm(happening.at - lasted):
            self.object(happening, f"{balancer} told it as complete, its client saw it {reason}")
