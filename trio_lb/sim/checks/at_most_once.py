"""At most once: what is not idempotent reaches servers no oftener than its client sent it."""

from collections.abc import Mapping
from typing import Final

from trio_lb.sim.checks.check import Check
from trio_lb.sim.happening import Ear, Happening, What

NOT_IDEMPOTENT: Final = frozenset(("POST", "PATCH"))
"""RFC 9110 section 9.2.2 calls all other methods that clients here use idempotent."""


class AtMostOnce(Check):
    """A balancer repeats no POST: servers take it at most once for each try of its client.

    The client may repeat it, so the law is of sums: a head that was long on its way counts
    for the try that sent it, whenever it arrives.
    """

    name = "at_most_once"

    def __init__(self) -> None:
        super().__init__()
        self._tries: dict[int, int] = {}
        self._takers: dict[int, list[str]] = {}

    @property
    def ears(self) -> Mapping[What, Ear]:
        """See ``Check``."""
        return {What.TRY: self._tried, What.TAKE: self._taken}

    def _tried(self, happening: Happening) -> None:
        if happening.values[1] in NOT_IDEMPOTENT:
            req = happening.req
            self._tries[req] = self._tries.get(req, 0) + 1

    def _taken(self, happening: Happening) -> None:
        req = happening.req
        tries = self._tries.get(req)
        if tries is None or happening.values[0] not in NOT_IDEMPOTENT:
            return
        takers = self._takers.setdefault(req, [])
        takers.append(happening.entity)
        if len(takers) > tries:
            method, all_of_them = happening.values[0], ", ".join(takers)
            self.object(
                happening,
                f"a {method} that its client sent {tries}x was taken {len(takers)}x: {all_of_them}",
            )
