"""The simulator: the real balancer on virtual time and a virtual network, the same way each time.

    from trio_lb.sim import ClientPolicy, Lognormal, OpenLoop, Poisson, Simulation
    from trio_lb.sim.faults import Crash, at

    sim = Simulation(seed=7)
    for name in ("s1", "s2", "s3"):
        sim.server(name, service=Lognormal(p50=0.012, p99=0.08))
    sim.balancer({"algorithm": "least_connections"})
    sim.clients("web", OpenLoop(Poisson(100)), policy=ClientPolicy(timeout=1.0, retries=3))
    sim.faults(at("20s", Crash("server:s1", for_="10s")))
    print(sim.run(until=60).summary())

Everything public is a name of this package; a name is imported when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trio_lb.sim.actors.client import ClosedLoop as ClosedLoop
    from trio_lb.sim.actors.client import OpenLoop as OpenLoop
    from trio_lb.sim.actors.policy import ClientPolicy as ClientPolicy
    from trio_lb.sim.actors.policy import FullJitter as FullJitter
    from trio_lb.sim.actors.policy import NoBackoff as NoBackoff
    from trio_lb.sim.actors.server import ColdStart as ColdStart
    from trio_lb.sim.actors.server import WhenFull as WhenFull
    from trio_lb.sim.arrivals import Bursts as Bursts
    from trio_lb.sim.arrivals import Diurnal as Diurnal
    from trio_lb.sim.arrivals import Every as Every
    from trio_lb.sim.arrivals import Poisson as Poisson
    from trio_lb.sim.arrivals import Replay as Replay
    from trio_lb.sim.arrivals import Steps as Steps
    from trio_lb.sim.checks import Check as Check
    from trio_lb.sim.checks import ComesBack as ComesBack
    from trio_lb.sim.checks import ErrorRate as ErrorRate
    from trio_lb.sim.checks import Fair as Fair
    from trio_lb.sim.checks import Latency as Latency
    from trio_lb.sim.checks import NoLeaks as NoLeaks
    from trio_lb.sim.checks import Sometimes as Sometimes
    from trio_lb.sim.distributions import Choice as Choice
    from trio_lb.sim.distributions import Exponential as Exponential
    from trio_lb.sim.distributions import Fixed as Fixed
    from trio_lb.sim.distributions import Lognormal as Lognormal
    from trio_lb.sim.distributions import Pareto as Pareto
    from trio_lb.sim.distributions import Uniform as Uniform
    from trio_lb.sim.distributions import Zipf as Zipf
    from trio_lb.sim.env import SimEnv as SimEnv
    from trio_lb.sim.faults.record import Fault as Fault
    from trio_lb.sim.faults.schedule import Schedule as Schedule
    from trio_lb.sim.happening import Happening as Happening
    from trio_lb.sim.happening import What as What
    from trio_lb.sim.network import VirtualNetwork as VirtualNetwork
    from trio_lb.sim.pins import deterministic as deterministic
    from trio_lb.sim.result import Result as Result
    from trio_lb.sim.scenario import Scenario as Scenario
    from trio_lb.sim.scenario import Setup as Setup
    from trio_lb.sim.shim import install as install
    from trio_lb.sim.simulation import Simulation as Simulation
    from trio_lb.sim.testing import SimulationTester as SimulationTester

_HOMES = {
    "actors.client": ("ClosedLoop", "OpenLoop"),
    "actors.policy": ("ClientPolicy", "FullJitter", "NoBackoff"),
    "actors.server": ("ColdStart", "WhenFull"),
    "arrivals": ("Bursts", "Diurnal", "Every", "Poisson", "Replay", "Steps"),
    "checks": (
        "Check", "ComesBack", "ErrorRate", "Fair", "Latency", "NoLeaks", "Sometimes",
    ),
    "distributions": (
        "Choice", "Exponential", "Fixed", "Lognormal", "Pareto", "Uniform", "Zipf",
    ),
    "env": ("SimEnv",),
    "faults.record": ("Fault",),
    "faults.schedule": ("Schedule",),
    "happening": ("Happening", "What"),
    "network": ("VirtualNetwork",),
    "pins": ("deterministic",),
    "result": ("Result",),
    "scenario": ("Scenario", "Setup"),
    "shim": ("install",),
    "simulation": ("Simulation",),
    "testing": ("SimulationTester",),
}  # fmt: skip
_HOME_OF = {name: f"{__name__}.{home}" for home, names in _HOMES.items() for name in names}

__all__ = sorted(_HOME_OF)


def __getattr__(name: str) -> Any:
    """Import a public name at its first use (PEP 562)."""
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(home), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
