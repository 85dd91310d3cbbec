"""The half of the contract that most algorithms do not need: news of each lease."""

from trio_lb.policy.balance.base import Candidate


class Untracked:
    """Base of an algorithm that wants no ``leased`` and ``released``."""

    tracks = False

    def leased(self, candidate: Candidate) -> None:
        """Ignore it; whoever heeds ``tracks`` does not call."""

    def released(self, candidate: Candidate) -> None:
        """Ignore it; whoever heeds ``tracks`` does not call."""
