"""How long the servers of a pool took lately: the newest responses of each, and their mean."""

from collections import deque
from collections.abc import Sequence
from heapq import heappop, heappush
from typing import Final

from trio_lb.policy.balance.penalty import seconds_of_failure

_TICK: Final = 1e-6
"""Nothing takes no time: a mean of zero would hide how busy a server is."""

_Samples = deque[tuple[float, float]]  # (instant, seconds), oldest first


class ResponseTimes:
    """Means over the last ``window`` seconds and the newest ``most`` responses of each server.

    ``means`` holds seconds by server id, of those with a response in the window only;
    ``failing`` are those of them whose last attempt failed.
    """

    def __init__(self, window: float, most: int) -> None:
        self.means: dict[str, float] = {}
        self.failing: set[str] = set()
        self._window = window
        self._most = most
        self._samples: dict[str, _Samples] = {}
        # (when its oldest response was to expire, as of then, id): one for each id in _samples.
        self._due: list[tuple[float, str]] = []

    def record(self, server_id: str, seconds: float, failed: bool, now: float) -> bool:
        """Count an attempt that ended at ``now``, a failure as a slow response.

        Return whether its mean is new, or less than it was.
        """
        before = self.means.get(server_id)
        if failed:
            seconds = seconds_of_failure(seconds, before or 0.0)
            self.failing.add(server_id)
        else:
            self.failing.discard(server_id)
        samples = self._samples.get(server_id)
        if samples is None:
            samples = self._samples[server_id] = deque(maxlen=self._most)
            heappush(self._due, (now + self._window, server_id))
        samples.append((now, max(seconds, _TICK)))
        self._review(server_id, samples, now)
        return before is None or self.means[server_id] < before

    def expire(self, now: float) -> Sequence[str]:
        """Forget what is older than the window; return whose mean may have changed."""
        if not self._due or self._due[0][0] > now:
            return ()
        changed = []
        while self._due and self._due[0][0] <= now:
            server_id = heappop(self._due)[1]
            samples = self._samples[server_id]
            self._review(server_id, samples, now)
            if samples:
                heappush(self._due, (samples[0][0] + self._window, server_id))
            changed.append(server_id)
        return changed

    def _review(self, server_id: str, samples: _Samples, now: float) -> None:
        while samples and samples[0][0] + self._window <= now:
            samples.popleft()
        if samples:
            self.means[server_id] = sum(seconds for _, seconds in samples) / len(samples)
        else:
            del self._samples[server_id], self.means[server_id]
            self.failing.discard(server_id)
