"""The half of the contract that most algorithms do not need: news of requests."""

from trio_lb.policy.balance.base import Candidate


class Indifferent:
    """Base of an algorithm: it wants no news, whoever heeds ``tracks`` and ``times`` sends none.

    One that wants some sets the flag and overrides what belongs to it.
    """

    tracks = False
    times = False

    def leased(self, candidate: Candidate) -> None:
        """Ignore it."""

    def released(self, candidate: Candidate) -> None:
        """Ignore it."""

    def timed(self, candidate: Candidate, seconds: float, failed: bool, now: float) -> None:
        """Ignore it."""
