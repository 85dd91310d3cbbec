"""In step: a balancer and its client agree where each message on their connection ends."""

from collections.abc import Mapping
from typing import Final

from trio_lb.sim.checks.check import Check
from trio_lb.sim.happening import Ear, Happening, What

MALFORMED: Final = 400
"""What who reads on in the middle of a message takes the rest of it for."""
UNASKED: Final = "bytes that nobody asked for"
"""As a client notes it."""


class InStep(Check):
    """No proper request is called malformed, and nobody gets an answer that nobody asked for.

    Clients of a simulation speak proper HTTP, however slowly or large. So a 400 of a
    balancer's own, or bytes on a connection that rests, show that it reads in the middle of a
    message: it took the rest of a body, say, for the next request. Whose requests no balancer
    reads, since a tcp listener carries them, hears from his server what that likes to say.
    """

    name = "in_step"

    def __init__(self) -> None:
        super().__init__()
        self._read: set[str] = set()
        self._tried: dict[int, str] = {}  # By whom, of those whom no balancer has read yet.

    @property
    def ears(self) -> Mapping[What, Ear]:
        """See ``Check``."""
        return {
            What.TRY: self._asked,
            What.START: self._started,
            What.ANSWER: self._answered,
            What.NOTE: self._noted,
        }

    def _asked(self, happening: Happening) -> None:
        if happening.entity not in self._read:
            self._tried[happening.req] = happening.entity

    def _started(self, happening: Happening) -> None:
        if self._tried:
            client = self._tried.pop(happening.req, "")
            if client:
                self._read.add(client)
                self._tried = {req: of for req, of in self._tried.items() if of != client}

    def _answered(self, happening: Happening) -> None:
        status, _, _, server = happening.values
        if status == MALFORMED and not server:
            self.object(happening, "a proper request was answered as a malformed one (400)")

    def _noted(self, happening: Happening) -> None:
        if happening.entity not in self._read:
            return
        if happening.values and happening.values[0] == UNASKED:
            self.object(happening, f"{happening.values[1]} bytes came that nobody asked for")
