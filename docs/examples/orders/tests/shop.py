"""The shop as it stands in production, in a simulated world."""

from pathlib import Path

from trio_lb.sim import ClientPolicy, OpenLoop, Poisson, Simulation, What
from trio_lb.sim.checks import checks

from orders import buggy, inventory, service

LB = Path(__file__).parent.parent / "lb.yaml"


def shop(sim: Simulation, reserve=service.reserve) -> inventory.Stock:
    """Two replicas of each service behind the balancer, and people who order tea."""
    stock = inventory.Stock()
    for name in ("inventory-1", "inventory-2"):
        sim.host(name, lambda env: inventory.run(stock))
    for name in ("orders-1", "orders-2"):
        sim.host(name, lambda env: service.run("http://lb:8080", reserve=reserve))
    sim.balancer(LB)
    people = ClientPolicy(posts=1.0, path="/orders/tea", timeout=10.0)
    sim.clients("people", OpenLoop(Poisson(5)), policy=people)

    @checks(What.DONE)
    def each_order_is_reserved_once(happening):
        twice = stock.reserved_twice()
        return f"twice: {twice[0]}" if twice else None

    sim.check(each_order_is_reserved_once)
    return stock


def buggy_shop(sim: Simulation) -> None:
    """The same with the first version of the order service."""
    shop(sim, buggy.reserve)
