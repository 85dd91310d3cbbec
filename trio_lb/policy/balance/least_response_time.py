"""Least response time, in the sense of nginx's `least_time`: who would answer first.

    cost = mean response time * (active + 1) / weight

The mean is over the responses of the last ``window`` seconds, the newest ``samples`` of them
at most. A server without any is unknown, and is taken to be as fast as the best of the known
until its first answer: it is tried as soon as it is no busier than that one, or that one
fails. So a pool that starts is tried in turn, newcomers are not flooded, and a server that
was slow, and got nothing since, is tried again when its slow answers leave the window.

Few servers are looked at one by one; many are kept sorted, the known by cost and the unknown
by work, since what the unknown cost changes with the best of the known.
"""

from collections.abc import Iterator, Sequence
from math import inf

from trio_lb.model.rng import Rng
from trio_lb.policy.balance.base import C, Candidate, Context
from trio_lb.policy.balance.cost_index import CostIndex
from trio_lb.policy.balance.indifferent import Indifferent
from trio_lb.policy.balance.load_aware import SCAN_MOST
from trio_lb.policy.balance.response_times import ResponseTimes
from trio_lb.policy.balance.rotation import carry_position


def work(candidate: Candidate) -> float:
    """Return the requests it would then have, for what it can take: (active + 1) / weight."""
    return (candidate.active_connections + 1) / (candidate.weight * candidate.ramp)


class LeastResponseTime(Indifferent):
    """The least mean response time for how busy it is; ties take turns."""

    name = "least_response_time"
    tracks = True
    times = True

    def __init__(self, window: float = 60.0, samples: int = 10) -> None:
        self._times = ResponseTimes(window, samples)
        self._seen: Sequence[Candidate] = ()
        self._next = 0
        self._sorted: _Sorted | None = None

    def order(self, candidates: Sequence[C], context: Context, rng: Rng) -> Iterator[C]:
        """Yield the server of least cost, then the others by what they cost when asked for."""
        if candidates is not self._seen:
            self._adopt(candidates)
        changed = self._times.expire(context.now)
        if self._sorted is None:
            first = self._scan(candidates)
        else:
            for server_id in changed:
                self._sorted.note(server_id)
            first = self._sorted.take()
        self._next = first + 1 if first + 1 < len(candidates) else 0
        yield candidates[first]
        yield from self._by_cost([*candidates[first + 1 :], *candidates[:first]])

    def released(self, candidate: Candidate) -> None:
        """Keep it sorted, if there are many. A lease makes nobody cheaper, so it is no news."""
        if self._sorted is not None:
            self._sorted.note(candidate.id)

    def timed(self, candidate: Candidate, seconds: float, failed: bool, now: float) -> None:
        """Count a response; a failure as a slow one."""
        is_cheaper = self._times.record(candidate.id, seconds, failed, now)
        if self._sorted is not None and is_cheaper:
            self._sorted.note(candidate.id)

    def _scan(self, candidates: Sequence[Candidate]) -> int:
        """Look at each, beginning with whose turn it is."""
        means, start, count = self._times.means, self._next, len(candidates)
        unknown, least_work = -1, inf
        best, least_cost, best_work = -1, inf, inf
        for turn in range(start, start + count):
            i = turn - count if turn >= count else turn
            candidate = candidates[i]
            busy = (candidate.active_connections + 1) / (candidate.weight * candidate.ramp)
            mean = means.get(candidate.id)
            if mean is None:
                if busy < least_work:
                    unknown, least_work = i, busy
            elif mean * busy < least_cost:
                best, least_cost, best_work = i, mean * busy, busy
        if unknown >= 0 and (least_work <= best_work or candidates[best].id in self._times.failing):
            return unknown
        return best

    def _by_cost(self, others: Sequence[C]) -> Iterator[C]:
        means = self._times.means
        guess = min((means[each.id] for each in others if each.id in means), default=1.0)
        return iter(sorted(others, key=lambda each: means.get(each.id, guess) * work(each)))

    def _adopt(self, candidates: Sequence[Candidate]) -> None:
        self._next = carry_position(self._seen, self._next, candidates)
        self._seen = candidates
        many = len(candidates) > SCAN_MOST
        self._sorted = _Sorted(candidates, self._next, self._times) if many else None


class _Sorted:
    """Many candidates: the known by cost, the unknown by work."""

    def __init__(self, candidates: Sequence[Candidate], start: int, times: ResponseTimes) -> None:
        self._candidates = candidates
        self._times = times
        self._places = {each.id: place for place, each in enumerate(candidates)}
        self._known = CostIndex(self._cost)
        self._unknown = CostIndex(self._work)
        for candidate in (*candidates[start:], *candidates[:start]):
            self.note(candidate.id)

    def note(self, server_id: str) -> None:
        """Sort a server anew whose cost may have fallen; strangers are ignored."""
        place = self._places.get(server_id)
        if place is None:
            return
        each = self._candidates[place]
        busy = (each.active_connections + 1) / (each.weight * each.ramp)
        mean = self._times.means.get(server_id)
        if mean is not None:
            self._unknown.drop(place)
            self._known.note(place, mean * busy)
        else:
            self._known.drop(place)
            self._unknown.note(place, busy)

    def take(self) -> int:
        """Return the place of the least one.

        Equals take turns: a known one stands behind the others when its request has ended,
        an unknown one at once, since it may be asked about without a request.
        """
        best, unknown = self._known.least(), self._unknown.least()
        if unknown is not None and (best is None or self._is_worth_trying(unknown, best)):
            self._unknown.turn()
            return unknown
        assert best is not None, "everybody is in one of them"
        return best

    def _is_worth_trying(self, unknown: int, best: int) -> bool:
        is_failing = self._candidates[best].id in self._times.failing
        return is_failing or self._work(unknown) <= self._work(best)

    def _work(self, place: int) -> float:
        return work(self._candidates[place])

    def _cost(self, place: int) -> float:
        each = self._candidates[place]
        return self._times.means[each.id] * work(each)
