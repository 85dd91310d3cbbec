"""Nothing is left behind: no collector runs during a run, so who has left must be free by itself.

A cycle in what a connection or a request consists of would stay until the end: fifteen
kilobytes for each, gigabytes for a simulated day.
"""

import gc

from trio_lb.sim.actors.client import OpenLoop
from trio_lb.sim.actors.policy import ClientPolicy
from trio_lb.sim.arrivals import Every
from trio_lb.sim.faults.fluent import Abort, Reset, Timed, during, every
from trio_lb.sim.simulation import Simulation

FEW = 100


def left_by(seconds: float, *troubles: Timed) -> int:
    """How many objects only a collector can free after a run of that length."""
    sim = Simulation(1)
    for name in ("s1", "s2"):
        sim.server(name)
    sim.balancer({"health_check": {"interval": "200ms"}})
    sim.clients(
        "web",
        OpenLoop(Every(0.05)),
        policy=ClientPolicy(timeout=0.5, retries=1, requests_per_connection=2, posts=0.3),
    )
    sim.faults(*troubles)
    gc.collect()
    gc.disable()
    try:
        sim.run(until=seconds, tally=False, standard=False)  # Both remember some requests.
        del sim
        return gc.collect()
    finally:
        gc.enable()


def test_requests_and_probes_leave_no_cycle_behind() -> None:
    left_by(1.0)  # Caches and imports belong to no run.
    assert left_by(20.0) - left_by(5.0) < FEW  # 300 requests and 150 probes more.


def test_connections_that_end_by_a_fault_leave_none_either() -> None:
    resets = every(3.0, Reset("server:s1"))
    aborts = during(0.0, 60.0, Abort("client:web", share=0.5, bytes=1))
    left_by(1.0, resets, aborts)
    assert left_by(20.0, resets, aborts) - left_by(5.0, resets, aborts) < FEW
