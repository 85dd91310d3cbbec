"""Bugs in verdicts on servers: checks, fail-open, ejections, breakers."""

from typing import Any

from tests.sim.planted.bug import Bed, Patch
from trio_lb.control.probes import Probes, _Prober
from trio_lb.model.events import Event
from trio_lb.policy import outlier
from trio_lb.policy.breaker import Breaker, BreakerState, Signal
from trio_lb.policy.fail_open import FailOpen
from trio_lb.policy.health import HealthMachine, HealthState
from trio_lb.policy.outlier import OutlierDetector
from trio_lb.state import verdicts
from trio_lb.state.lease import Trial
from trio_lb.state.server import Server, ServerState

PATCH = Patch()

# ------------------------------------------------------------------ checks


@PATCH.bug
def unhealthy_still_picked(bed: Bed) -> None:
    """A server that fails its checks goes on getting requests."""

    def lenient(server: Server) -> bool:
        if server.state not in (ServerState.HEALTHY, ServerState.UNHEALTHY) or server.is_ejected:
            return False
        return server.breaker is None or server.breaker.may_try

    bed.replace(verdicts, "_is_usable", lenient)


@PATCH.bug
def healthy_one_probe_early(bed: Bed) -> None:
    """A server is taken for healthy again one good probe before it has proved it."""
    signal = HealthMachine._signal

    def hasty(self: HealthMachine, rise: int) -> Any:
        return signal(self, max(rise - 1, 1))

    bed.replace(HealthMachine, "_signal", hasty)


@PATCH.bug
def fallen_never_probed_again(bed: Bed) -> None:
    """A server that was found unhealthy is not probed any more."""
    next_at = _Prober._next_at

    def never(self: Any) -> float:
        health = self._server.health
        fallen = health is not None and health.state is HealthState.UNHEALTHY
        return float("inf") if fallen else next_at(self)

    bed.replace(_Prober, "_next_at", never)


@PATCH.bug
def probes_in_step(bed: Bed) -> None:
    """Probes come at exact intervals: their jitter is missing."""
    wait_seconds = Probes.wait_seconds

    class Chanceless:
        def uniform(self, low: float, high: float) -> float:
            return 0.0

    def exact(self: Probes, server: Server) -> float:
        rng, self._rng = self._rng, Chanceless()  # type: ignore[assignment]  # For one call.
        try:
            return wait_seconds(self, server)
        finally:
            self._rng = rng

    bed.replace(Probes, "wait_seconds", exact)


@PATCH.bug
def probe_outlives_its_server(bed: Bed) -> None:
    """The probes of a server go on when it has left its pool."""
    stop = _Prober.stop

    def goes_on(self: Any) -> None:
        if self._probes.pool.get_server(self._server.id) is self._server:
            stop(self)

    bed.replace(_Prober, "stop", goes_on)


@PATCH.bug
def fail_open_for_ever(bed: Bed) -> None:
    """Once fail-open is entered it stays in force, whatever health says later."""
    hold = FailOpen._hold

    def holds(self: FailOpen, group: Any, server_ids: list[str], reason: str) -> None:
        if not group.is_active:
            hold(self, group, server_ids, reason)

    bed.replace(FailOpen, "_hold", holds)
    bed.replace(FailOpen, "_rise", lambda self, server_id, now: None)
    bed.replace(FailOpen, "_clear_empty", lambda self: None)


# ------------------------------------------------------------------ ejections


@PATCH.bug
def ejection_share_off_by_one(bed: Bed) -> None:
    """One server more than max_ejection_fraction allows is ejected at once."""
    most = OutlierDetector._most_ejected
    bed.replace(OutlierDetector, "_most_ejected", lambda self, ids: most(self, ids) + 1)


@PATCH.bug
def ejection_for_ever(bed: Bed) -> None:
    """An ejection never ends by itself."""
    bed.replace(OutlierDetector, "deadline", None)
    bed.replace(OutlierDetector, "on_deadline", lambda self, now: [])


@PATCH.bug
def ejection_too_short(bed: Bed) -> None:
    """An ejected server is back after half of the time that was told."""
    eject = OutlierDetector._eject

    def brief(self: OutlierDetector, server_id: str, record: Any, *rest: Any) -> Event:
        told = eject(self, server_id, record, *rest)
        now = rest[1]
        self._ejected[server_id] = record.until = now + (record.until - now) / 2
        self._settle()
        return told

    bed.replace(OutlierDetector, "_eject", brief)


@PATCH.bug
def ejections_in_step(bed: Bed) -> None:
    """Ejections have no jitter: servers that failed together return together."""
    bed.replace(outlier, "JITTER_FRACTION", 0.0)


@PATCH.bug
def failures_taken_for_successes(bed: Bed) -> None:
    """The outlier detector is told of each request as of one that went well."""
    observe = OutlierDetector.observe

    def blind(self: OutlierDetector, server_id: str, failed: bool, *rest: Any) -> list[Event]:
        return observe(self, server_id, False, *rest)

    bed.replace(OutlierDetector, "observe", blind)


# ------------------------------------------------------------------ breakers


@PATCH.bug
def breaker_skips_half_open(bed: Bed) -> None:
    """A breaker closes when its time is up, without any trial."""

    def closes(self: Breaker, now: float) -> list[Event]:
        if self._until is None or now < self._until:
            return []
        self.state = BreakerState.HALF_OPEN
        return self._close(Signal.PROVED, now, "its time is up")

    bed.replace(Breaker, "on_deadline", closes)


@PATCH.bug
def half_open_lets_all_in(bed: Bed) -> None:
    """A half-open breaker lets through whoever comes."""
    bed.replace(Breaker, "may_try", property(lambda self: self.state is not BreakerState.OPEN))


@PATCH.bug
def breaker_open_for_ever(bed: Bed) -> None:
    """A breaker that a failed trial opens again never half-opens any more."""
    opens = Breaker._open

    def stays(
        self: Breaker, signal: Signal, now: float, reason: str, seconds: float | None
    ) -> Event:
        return opens(self, signal, now, reason, None if signal is Signal.RELAPSED else seconds)

    bed.replace(Breaker, "_open", stays)


@PATCH.bug
def breaker_open_too_briefly(bed: Bed) -> None:
    """A breaker half-opens after half of the time that it told."""
    opens = Breaker._open

    def brief(
        self: Breaker, signal: Signal, now: float, reason: str, seconds: float | None
    ) -> Event:
        told = opens(self, signal, now, reason, seconds)
        self._until = None if seconds is None else now + seconds / 2
        return told

    bed.replace(Breaker, "_open", brief)


@PATCH.bug
def permit_never_given_back(bed: Bed) -> None:
    """A trial that ends while its server is still half-open keeps its permit for ever."""
    leave = Trial.__exit__

    def keeps(self: Trial, *raised: Any) -> None:
        had = self.has_permit
        leave(self, *raised)
        if had and self._breaker.state is BreakerState.HALF_OPEN:
            self._breaker._trials += 1
            self._on_permit(self._lease.server)

    bed.replace(Trial, "__exit__", keeps)
