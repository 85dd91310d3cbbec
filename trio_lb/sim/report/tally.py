"""Counts a run while it runs: what the page, the summary and the JSON are made of.

    Wire --Happening--> hear --> the life of its request, if that is followed
                             '-> its own ear: a column of its bucket, a band, a span

It keeps columns, not happenings: a simulated day takes the memory of ten minutes, but for ten
bytes a request, by which two runs can be compared request by request.
"""

from array import array
from collections.abc import Callable
from typing import Final

import attrs

from trio_lb.sim.faults.kinds import KINDS
from trio_lb.sim.faults.shape import Lasts
from trio_lb.sim.faults.waves import deploy_seconds
from trio_lb.sim.happening import Happening, What, Wire
from trio_lb.sim.report.bands import Bands
from trio_lb.sim.report.grid import Gauge, Grid
from trio_lb.sim.report.histogram import Histogram
from trio_lb.sim.report.per_server import SERVER_ERROR, PerServer
from trio_lb.sim.report.sample import Sample

SWITCHED: Final = 101
"""The status with which a WebSocket begins, and with which its end is told."""
SHARES: Final = (0.5, 0.9, 0.99, 0.999)
"""The quantiles of latency that each bucket keeps."""

MOST_REASONS: Final = 24
"""Reasons that have a column of their own; the rest share ``OTHER``."""
OTHER: Final = "other"

MOST_FAULTS: Final = 2_000
"""Faults that are kept one by one."""

QUIET_SECONDS: Final = 10.0
"""So long without a failure after the heal, and a fault's outage is over."""

COLUMNS: Final = (
    *("offered", "good", "failed", "tries", "picks", "retries", "sheds", "nobody"),
    *("taken", "accepted", "probes"),
)
"""What is counted in each bucket, over all clients, balancers and servers."""


@attrs.define(slots=True)
class FaultSpan:
    """A fault that began; ``end`` is None for one that was never healed.

    What fails is put down to the fault that began last before it, so a fault's toll is exact
    where faults are apart. ``last_failure`` is when its outage ended, None if there was none.
    """

    number: int
    kind: str
    target: str
    args: str
    begin: float
    end: float | None = None
    failures: int = 0
    last_failure: float | None = None

    def blame(self, at: float) -> None:
        """Put a failure down to it; one long after all was well counts, but is not its outage."""
        self.failures += 1
        over = self.end is not None and at > self.end + QUIET_SECONDS
        if not over or (self.last_failure or 0.0) >= at - QUIET_SECONDS:
            self.last_failure = at

    @property
    def failover(self) -> float:
        """Seconds from its begin to the end of its outage; 0: nothing failed.

        An outage goes on while failures follow each other, or the heal, within QUIET_SECONDS.
        """
        return 0.0 if self.last_failure is None else self.last_failure - self.begin


class Tally:
    """Hears a run's happenings; ``hear`` costs about a microsecond (CPython 3.11).

    ``horizon_seconds`` is how long the run may last; buckets are laid over it at once, and
    whatever is told later counts in totals only. Instants must not go back.
    """

    def __init__(self, horizon_seconds: float) -> None:
        self.grid = Grid.over(horizon_seconds)
        self.columns: dict[str, list[int]] = {name: self.grid.zeros() for name in COLUMNS}
        self.errors: dict[str, list[int]] = {}
        self.statuses: dict[str, int] = {}
        self.quantiles: list[list[int] | None] = [None] * (self.grid.count + 1)
        self.calm, self.faulty = Histogram(), Histogram()
        """Latencies of good requests: without any fault, and while one was on.

        How long a WebSocket lasted is none: it was its client who wished to stay.
        """
        self._switched = 0
        """The last request that was answered by a switch of protocols; its end is told next."""
        self.waiting = Gauge(self.grid)
        """Requests that clients wait for; peaks."""
        self.present, self.queued = Gauge(self.grid), Gauge(self.grid)
        """Requests in all servers, and in all their queues; peaks of the sums."""
        self.open_clients, self.open_servers = Gauge(self.grid), Gauge(self.grid)
        """Connections that balancers hold, of clients and to servers; the most that was seen."""
        self.was_counted = False
        """Whether anybody counted connections: a stored trace does not tell of them."""
        self.servers: dict[str, PerServer] = {}
        self.bands = Bands()
        self.sample = Sample()
        self.faults: list[FaultSpan] = []
        self.phases: list[tuple[str, float]] = []
        self.latency_ns = array("q", (0,))
        self.outcomes = array("h", (0,))
        """By request: 0 not over, 1 good, from 2 on the place of its reason in ``reasons``."""
        self.reasons: list[str] = ["not over", ""]
        self.last = 0.0
        self._on: dict[int, FaultSpan] = {}
        self._bucket = 0
        self._now = Histogram()
        self._ears = self._own_ears() | self.bands.ears()

    def attach(self, wire: Wire) -> None:
        """Hear whatever is told on a wire."""
        wire.hear(self.hear)

    def hear(self, happening: Happening) -> None:
        """Count a happening."""
        life = self.sample.living.get(happening.req)
        if life is not None:
            life.add(happening)
        ear = self._ears.get(happening.what)
        if ear is not None:
            ear(happening)

    def keep(self, req: int) -> None:
        """Keep the life of a request that is not over, or only just: a check objected to it."""
        self.sample.keep(req)

    def close(self, at: float) -> None:
        """The run is over: carry all levels on to the end. Harmless when repeated."""
        self.last = max(self.last, at)
        bucket = self.grid.index(self.last)
        self._turn(bucket)
        self._keep_quantiles()
        for gauge in self._gauges:
            gauge.fill(bucket)
        for server in self.servers.values():
            server.fill(bucket)

    @property
    def _gauges(self) -> tuple[Gauge, ...]:
        return self.waiting, self.present, self.queued, self.open_clients, self.open_servers

    def counted(self, at: float, clients: int, servers: int) -> None:
        """Somebody has counted the connections that balancers hold; see ``sim.census``."""
        bucket = self.grid.index(at)
        self.was_counted = True
        self.open_clients.move(bucket, clients)
        self.open_servers.move(bucket, servers)

    def server(self, name: str) -> PerServer:
        """Return the columns of a server; those who make the world may add idle ones so."""
        found = self.servers.get(name)
        if found is None:
            found = self.servers[name] = PerServer(name, self.grid)
        return found

    # ------------------------------------------------------------------ time

    def _own_ears(self) -> dict[What, Callable[[Happening], None]]:
        return {
            What.ARRIVE: self._arrive,
            What.TRY: self._count_in("tries"),
            What.ANSWER: self._answer,
            What.DONE: self._done,
            What.ACCEPT: self._accept,
            What.TAKE: self._take,
            What.BEGIN: self._begin,
            What.REPLY: self._reply,
            What.DROP: self._drop,
            What.PROBE: self._probe,
            What.SELECT: self._select,
            What.RETRY: self._count_in("retries"),
            What.SHED: self._count_in("sheds"),
            What.NO_SERVER: self._count_in("nobody"),
            What.INJECT: self._inject,
            What.HEALED: self._healed,
            What.PHASE: self._phase,
        }

    def _count_in(self, column: str) -> Callable[[Happening], None]:
        """Return an ear that counts in one column."""
        counts, index = self.columns[column], self.grid.index

        def count(happening: Happening) -> None:
            counts[index(happening.at)] += 1

        return count

    def _turn(self, bucket: int) -> None:
        """Time has come to another bucket: what the last one's latencies were is settled."""
        if bucket != self._bucket:
            self._keep_quantiles()
            self._bucket = bucket
            self._now = Histogram()

    def _keep_quantiles(self) -> None:
        if self._now.count:
            self.quantiles[self._bucket] = self._now.quantiles(SHARES)

    # ------------------------------------------------------------------ clients

    def _arrive(self, happening: Happening) -> None:
        bucket = self.grid.index(happening.at)
        self.columns["offered"][bucket] += 1
        self.waiting.move(bucket, self.waiting.level + 1)
        self.sample.begin(happening)

    def _answer(self, happening: Happening) -> None:
        status = str(happening.values[0])
        if happening.values[0] == SWITCHED:
            self._switched = happening.req
        self.statuses[status] = self.statuses.get(status, 0) + 1

    def _done(self, happening: Happening) -> None:
        success, _, value, reason = happening.values
        ns = int(value)
        bucket = self.grid.index(happening.at)
        self.last = happening.at
        self.waiting.move(bucket, self.waiting.level - 1)
        self._turn(bucket)
        if success:
            self.columns["good"][bucket] += 1
            outcome = 1
            if happening.req != self._switched:
                self._now.add(ns)
                (self.faulty if self._on else self.calm).add(ns)
        else:
            outcome = self._failure(bucket, str(reason), happening.at)
        self._remember(happening.req, ns, outcome)
        self.sample.done(bucket, happening)

    def _failure(self, bucket: int, reason: str, at: float) -> int:
        """Count a failure under its reason, and return its outcome's number."""
        self.columns["failed"][bucket] += 1
        if reason not in self.errors:
            reason = reason if len(self.errors) < MOST_REASONS else OTHER
        column = self.errors.get(reason)
        if column is None:
            column = self.errors[reason] = self.grid.zeros()
            self.reasons.append(reason)
        column[bucket] += 1
        if self.faults:
            self.faults[-1].blame(at)
        return self.reasons.index(reason, 2)

    def _remember(self, req: int, ns: int, outcome: int) -> None:
        missing = req + 1 - len(self.outcomes)
        if missing > 0:
            self.latency_ns.extend((0,) * missing)
            self.outcomes.extend((0,) * missing)
        self.latency_ns[req] = ns
        self.outcomes[req] = outcome

    # ------------------------------------------------------------------ servers

    def _accept(self, happening: Happening) -> None:
        bucket = self.grid.index(happening.at)
        self.columns["accepted"][bucket] += 1
        self.server(happening.entity).accepted[bucket] += 1

    def _take(self, happening: Happening) -> None:
        bucket = self.grid.index(happening.at)
        self.columns["taken"][bucket] += 1
        server = self.server(happening.entity)
        queued = server.queued.level
        server.take(bucket, int(happening.values[2]))
        self.present.move(bucket, self.present.level + 1)
        self._queue_moved(bucket, server.queued.level - queued)

    def _begin(self, happening: Happening) -> None:
        bucket = self.grid.index(happening.at)
        server = self.server(happening.entity)
        queued = server.queued.level
        server.begin(bucket, int(happening.values[0]))
        self._queue_moved(bucket, server.queued.level - queued)

    def _reply(self, happening: Happening) -> None:
        self._leave(happening, failed=int(happening.values[0]) >= SERVER_ERROR)

    def _drop(self, happening: Happening) -> None:
        self._leave(happening, failed=happening.values[0] != "gone")

    def _leave(self, happening: Happening, *, failed: bool) -> None:
        bucket, server = self.grid.index(happening.at), self.server(happening.entity)
        present = server.present.level
        server.leave(bucket, failed=failed)
        self.present.move(bucket, self.present.level + server.present.level - present)

    def _queue_moved(self, bucket: int, by: int) -> None:
        if by:
            self.queued.move(bucket, self.queued.level + by)

    def _probe(self, happening: Happening) -> None:
        bucket = self.grid.index(happening.at)
        self.columns["probes"][bucket] += 1
        self.server(happening.entity).probed[bucket] += 1

    # ------------------------------------------------------------------ balancers, the simulation

    def _select(self, happening: Happening) -> None:
        bucket = self.grid.index(happening.at)
        self.columns["picks"][bucket] += 1
        self.server(str(happening.values[0])).picked[bucket] += 1

    def _inject(self, happening: Happening) -> None:
        kind, number, *args = happening.values
        text = str(args[0]) if args else ""
        span = FaultSpan(int(number), str(kind), happening.entity, text, happening.at)
        table = KINDS.get(span.kind)
        if table is not None and table.lasts is Lasts.INSTANT:
            going_on = deploy_seconds(text) if span.kind == "deploy_wave" else 0.0
            span.end = span.begin + going_on
        else:
            self._on[span.number] = span
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(span)

    def _healed(self, happening: Happening) -> None:
        span = self._on.pop(int(happening.values[1]), None)
        if span is not None:
            span.end = happening.at

    def _phase(self, happening: Happening) -> None:
        """Remember when it began; no fault goes on in another phase than its own."""
        for fault in self.faults:
            if fault.end is not None:
                fault.end = min(fault.end, happening.at)
        self.phases.append((str(happening.values[0]), happening.at))
        self.last = happening.at
