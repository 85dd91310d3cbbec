"""What a failed attempt counts as, in seconds: a failure is never a fast answer.

A server that fails does so in a millisecond, and would look like the fastest of all: the
more requests it gets, the more it fails. So a failure counts as an answer ten times as slow
as the server has been. Fixed penalties are either nothing to a pool that takes seconds, or
ruin a server of milliseconds for one bad answer; this one grows with each failure, tenfold,
until the server has a minute.
"""

from typing import Final

TIMES: Final = 10.0
LEAST_SECONDS: Final = 0.3
MOST_SECONDS: Final = 60.0


def seconds_of_failure(seconds: float, estimate: float) -> float:
    """Return what a failure after ``seconds`` counts as, at a server that takes ``estimate``."""
    return max(seconds, min(MOST_SECONDS, max(LEAST_SECONDS, TIMES * estimate)))
