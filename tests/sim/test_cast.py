"""The names in a world, as faults look them up."""

from trio_lb.sim.actors.client import OpenLoop
from trio_lb.sim.arrivals import Every
from trio_lb.sim.simulation import Simulation


def test_names_stand_in_the_order_in_which_they_were_given() -> None:
    sim = Simulation()
    sim.server("s2", zone="b")
    sim.server("s1", zone="a")
    sim.balancer(name="front", zone="a")
    sim.clients("web", OpenLoop(Every(1.0)))
    cast = sim.cast
    assert (cast.servers, cast.hosts, cast.clients) == (["s2", "s1"], ["front"], ["web"])
    assert cast.zones == ["b", "a"]
    assert [cast.zone_of(name) for name in ("s2", "front", "web")] == ["b", "a", None]
