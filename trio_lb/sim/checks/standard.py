"""The checks that every run has: laws that hold for each correct balancer, whatever befalls it."""

from trio_lb.sim.checks.answers import BytesExact, CompleteIsWhole, NoCrosstalk
from trio_lb.sim.checks.at_most_once import AtMostOnce
from trio_lb.sim.checks.attempts import Attempts
from trio_lb.sim.checks.breaker_law import BreakerLegal
from trio_lb.sim.checks.check import Check
from trio_lb.sim.checks.conservation import EveryArrivalIsDone, EveryStartEnds, EveryTryEnds
from trio_lb.sim.checks.deadlines import BalancerDeadline, ConnectDeadline
from trio_lb.sim.checks.drains import DrainsClean
from trio_lb.sim.checks.ejection import EjectionLasts, EjectionShare
from trio_lb.sim.checks.excluded import NothingToExcluded
from trio_lb.sim.checks.health_law import HealthLegal
from trio_lb.sim.checks.in_flight import CapacityKept, InFlightExact
from trio_lb.sim.checks.in_step import InStep
from trio_lb.sim.checks.jitter import EjectionsJittered, ProbesJittered, RetriesJittered
from trio_lb.sim.checks.leaks import NoLeaks
from trio_lb.sim.checks.outliers import OutliersEjected
from trio_lb.sim.checks.probes import ProbesStop
from trio_lb.sim.checks.queues import QueuesBounded
from trio_lb.sim.checks.retries import AttemptsBounded, RetryBudgetKept
from trio_lb.sim.checks.stops import StopsGently
from trio_lb.sim.checks.trials import TrialsBounded, TrialsGoOn


def standard_checks() -> list[Check]:
    """Return new ones, for one run.

    What depends on the scenario is not among them: levels of service, fairness, liveness,
    a client's own timeout, and how long anybody may wait in all.
    """
    attempts = Attempts()
    return [
        EveryArrivalIsDone(),
        EveryTryEnds(),
        EveryStartEnds(),
        NoCrosstalk(),
        InStep(),
        BytesExact(),
        CompleteIsWhole(),
        AtMostOnce(),
        NothingToExcluded(),
        CapacityKept(),
        InFlightExact(attempts),
        BreakerLegal(),
        TrialsBounded(),
        TrialsGoOn(),
        HealthLegal(),
        EjectionShare(),
        EjectionLasts(),
        EjectionsJittered(),
        OutliersEjected(),
        AttemptsBounded(),
        RetryBudgetKept(),
        RetriesJittered(),
        ProbesJittered(),
        ProbesStop(),
        DrainsClean(attempts),
        StopsGently(),
        BalancerDeadline(),
        ConnectDeadline(),
        QueuesBounded(),
        NoLeaks(),
    ]
