"""Runs that are no simulations: they fail by a rule that a test can know."""

import hashlib

from trio_lb.model.errors import ConfigError
from trio_lb.sim.faults.record import Fault
from trio_lb.sim.faults.target import Sort, Target
from trio_lb.sim.search.trial import Outcome, Trial


def slow(server: str, at: float, until: float, x: float = 10.0) -> Fault:
    """A server that answers more slowly for a while."""
    return Fault(at, "slow", Target(Sort.SERVER, (server,)), until, {"x": x})


def cut(server: str, at: float, until: float) -> Fault:
    """A server that the balancer can't reach for a while."""
    return Fault(at, "partition", Target(Sort.LINK, ("lb", server)), until)


def run_trial(trial: Trial) -> Outcome:
    """``latency`` fails where two servers are slow at once, four times or more.

    ``capacity`` fails where fewer than two servers are left by cuts; there are
    ``servers`` (4) of them, s1, s2 and so on.
    """
    servers = [f"s{number + 1}" for number in range(int(str(trial.options.get("servers", 4))))]
    known = {*servers, "lb"}
    for fault in trial.faults:
        if not {*fault.target.names} <= known:
            raise ConfigError(f"there is no {fault.target}")
    violations: dict[str, str] = {}
    slowed = [
        (one, other)
        for one in _of(trial, "slow")
        for other in _of(trial, "slow")
        if one.target.names < other.target.names
        and max(one.at, other.at) < min(one.until or 0.0, other.until or 0.0)
        and min(float(str(one.args["x"])), float(str(other.args["x"]))) >= 4
    ]
    if slowed:
        violations["latency"] = f"{slowed[0][0].target} and {slowed[0][1].target} are slow"
    lost = {fault.target.names for fault in _of(trial, "partition")}
    if len(servers) - len(lost) < 2:
        violations["capacity"] = f"{len(lost)} of {len(servers)} servers are cut off"
    return Outcome(
        violations,
        hashlib.blake2b(trial.text.encode(), digest_size=8).hexdigest(),
        {"faults": float(len(trial.faults))},
        tuple(dict.fromkeys(f"{fault.kind} came" for fault in trial.faults)),
    )


def _of(trial: Trial, kind: str) -> list[Fault]:
    return [fault for fault in trial.faults if fault.kind == kind and fault.at < trial.until]
