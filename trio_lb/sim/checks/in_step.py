"""In step: a balancer and its client agree where each message on their connection ends."""

from collections.abc import Mapping
from typing import Final

from trio_lb.sim.checks.carried import Carried
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
    reads, since a tcp listener carries them, hears what a server under a fault likes to say.
    """

    name = "in_step"

    def __init__(self) -> None:
        super().__init__()
        self._carried = Carried()

    @property
    def ears(self) -> Mapping[What, Ear]:
        """See ``Check``."""
        return {
            **self._carried.ears,
            What.ANSWER: self._answered,
            What.NOTE: self._noted,
        }

    def _answered(self, happening: Happening) -> None:
        status, _, _, server = happening.values
        if status == MALFORMED and not server:
            self.object(happening, "a proper request was answered as a malformed one (400)")

    def _noted(self, happening: Happening) -> None:
        if self._carried.excuses(happening.entity, self.world):
            return
        if happening.values and happening.values[0] == UNASKED:
            self.object(happening, f"{happening.values[1]} bytes came that nobody asked for")
