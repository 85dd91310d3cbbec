"""What a play of a case left behind: all bytes of both sides, parsed strictly."""

from enum import Enum
from functools import cached_property
from typing import Final

import attrs

from tests.conformance import strict
from tests.conformance.strict import Flow, Message

BARRIER: Final = b"/barrier"
HOUSE: Final = frozenset({b"/alive", b"/bystander", BARRIER})
"""Targets of the runner's own requests."""


class End(Enum):
    """How a connection ended, as one side of it saw."""

    OPEN = "open"
    EOF = "end of file"
    RESET = "reset"


@attrs.define(slots=False)
class UpstreamConnection:
    """What came to the server on one connection."""

    data: bytearray = attrs.field(factory=bytearray)
    ended: End = End.OPEN
    tunnel_from: int | None = None
    """Where the bytes stop being HTTP, once the server has switched protocols."""

    @property
    def flow(self) -> Flow:
        """The requests in it."""
        flow = strict.read_requests(bytes(self.data[: self.tunnel_from]))
        if self.tunnel_from is None:
            return flow
        return attrs.evolve(flow, tunnel=bytes(self.data[self.tunnel_from :]))

    @property
    def is_house_only(self) -> bool:
        """Whether nothing but the runner's own requests came here."""
        flow = self.flow
        return not flow.rest and all(m.target in HOUSE for m in flow.messages)


@attrs.define(slots=False, kw_only=True)
class Seen:
    """The record of one play."""

    heard: bytes
    """Every byte that the client got."""
    ended: End
    methods: tuple[bytes, ...]
    upstream: list[UpstreamConnection]
    client_host: bytes = b"127.0.0.1"
    """The client's address, as the proxy sees it."""
    barrier_sent: bool = False
    alive: str | None = None
    """What was wrong with a clean request on a new connection afterwards."""
    bystander: str | None = None
    """What was wrong on a connection that had nothing to do with the case."""
    stuck: str | None = None
    """A step that waited in vain."""

    @cached_property
    def flow(self) -> Flow:
        """The answers that the client got, the barrier's too."""
        methods = [*self.methods, b"GET"] if self.barrier_sent else list(self.methods)
        return strict.read_responses(self.heard, methods, ended=self.ended is End.EOF)

    @property
    def answers(self) -> list[Message]:
        """The complete final answers, without the barrier's."""
        return [m for m in self.flow.finals if not self._is_barrier(m)]

    @property
    def barrier(self) -> Message | None:
        """The barrier's answer."""
        return next((m for m in self.flow.finals if self._is_barrier(m)), None)

    def _is_barrier(self, answer: Message) -> bool:
        return answer.head.values(b"x-answer-to") == [BARRIER]

    @property
    def interim(self) -> list[int]:
        """The statuses of the 1xx answers, in order; a 101 is none of them."""
        return [m.status for m in self.flow.messages if m.status < 200 and m.status != 101]

    @cached_property
    def requests(self) -> list[Message]:
        """The complete requests of the case that came to the server."""
        return [m for c in self.upstream for m in c.flow.messages if m.target not in HOUSE]

    @property
    def touched(self) -> list[UpstreamConnection]:
        """The upstream connections on which a byte of the case came."""
        return [c for c in self.upstream if not c.is_house_only]

    def story(self) -> list[str]:
        """What the client heard and what the servers got, for a report."""
        got = [bytes(c.data) for c in self.touched]
        return [f"client heard {self.heard!r:.400} ({self.ended.value})"] + [
            f"server got {data!r:.400}" for data in got
        ]

    @property
    def first_status(self) -> int | None:
        """The status of the first answer, even if its body was cut."""
        finals = self.answers
        if finals:
            return finals[0].status
        return None if self.cut_head is None else int(self.cut_head.start[1])

    @property
    def cut_head(self) -> strict.Head | None:
        """The head of an answer whose body never ended."""
        try:
            return strict.read_head(self.flow.rest, response=True)
        except strict.Violation:
            return None
