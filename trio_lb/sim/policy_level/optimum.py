"""What an algorithm is measured by: somebody who knows when each place is free, and each work.

Each request, as it comes, is given to the place that finishes it first. A balancer cannot see
into its servers, let alone into the next request: how much longer one waits with it than here is
the price of not knowing; the rest of the wait is the fleet's own. Where all servers are alike
this is the one queue before all of them (G/G/c), of which queueing theory knows nothing better
that keeps to the order of arrival.
"""

from array import array
from collections.abc import Sequence
from heapq import heapify, heapreplace

from trio_lb.sim.policy_level.result import Result, ServerLoad
from trio_lb.sim.policy_level.settings import ServerModel
from trio_lb.sim.policy_level.workload import Workload

Place = tuple[float, int, int]
"""When it is free, its number (which orders ties), and its server's index."""


def optimum(workload: Workload, servers: Sequence[ServerModel]) -> Result:
    """Serve the workload with that knowledge; nothing is refused, nobody leaves."""
    classes = _places(servers)
    busy, attempts = [0.0] * len(servers), [0] * len(servers)
    good = []
    for at, work, _ in workload:
        best_end, best_places, best_factor = float("inf"), classes[0][1], 1.0
        for factor, places in classes:
            end = max(places[0][0], at) + work * factor
            if end < best_end:
                best_end, best_places, best_factor = end, places, factor
        _, number, server = best_places[0]
        heapreplace(best_places, (best_end, number, server))
        busy[server] += work * best_factor
        attempts[server] += 1
        good.append((best_end, best_end - at))
    good.sort()
    loads = tuple(
        ServerLoad(
            id=model.id,
            attempts=attempts[index],
            failures=0,
            busy_seconds=busy[index],
            places=model.concurrency,
            most_waiting=0,
        )
        for index, model in enumerate(servers)
    )
    return Result(
        algorithm="optimum",
        until=workload.until,
        ended_at=max(good[-1][0] if good else 0.0, workload.until),
        asked_at=workload.instants,
        good_at=array("d", (end for end, _ in good)),
        good_seconds=array("d", (seconds for _, seconds in good)),
        servers=loads,
    )


def _places(servers: Sequence[ServerModel]) -> list[tuple[float, list[Place]]]:
    """All places by factor, fastest first; of equal ones, who is free first is the best."""
    classes: dict[float, list[Place]] = {}
    number = 0
    for index, model in enumerate(servers):
        places = classes.setdefault(model.slow_factor, [])
        for _ in range(model.concurrency):
            places.append((0.0, number, index))
            number += 1
    for places in classes.values():
        heapify(places)
    return sorted(classes.items())
