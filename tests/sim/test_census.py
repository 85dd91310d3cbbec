"""What a balancer holds is counted, twice in each bucket, by a look that changes nothing."""

from trio_lb.sim.actors.client import OpenLoop
from trio_lb.sim.actors.policy import ClientPolicy
from trio_lb.sim.arrivals import Every
from trio_lb.sim.census import LOOKS, Census, connections_of
from trio_lb.sim.distributions import Fixed
from trio_lb.sim.faults.fluent import Crash, at
from trio_lb.sim.report.tally import Tally
from trio_lb.sim.simulation import Simulation


def world() -> Simulation:
    """A request each tenth of a second, each on a connection of its own, answered in half a one."""
    sim = Simulation(latency_seconds=0.0001)
    sim.server("s1", service=Fixed(0.5))
    sim.balancer({"timeouts": {"upstream_keep_alive": "0s"}})
    policy = ClientPolicy(timeout=5.0, requests_per_connection=1)
    sim.clients("web", OpenLoop(Every(0.1)), policy=policy)
    return sim


def test_a_look_finds_what_clients_and_servers_hold_open() -> None:
    sim = world()
    found: list[tuple[int, int]] = []
    sim.clock.call_at(2.0, lambda: found.append(connections_of(sim.balancers["lb"])))
    sim.clock.call_at(
        2.0, lambda: found.append((len(sim.net.streams_of("web")), len(sim.net.streams_of("s1"))))
    )
    sim.run(until=3.0)
    assert found == [(5, 5), (5, 5)]


def test_the_report_s_lines_rise_stay_and_fall_with_what_is_open() -> None:
    tally = world().run(until=5.0).tally
    assert tally is not None
    assert tally.was_counted
    per_second = round(1 / tally.grid.step)
    for gauge in (tally.open_clients, tally.open_servers):
        assert gauge.peaks[2 * per_second : 5 * per_second] == [5] * (3 * per_second)
        assert gauge.peaks[0] == 0
        assert gauge.peaks[round(5.9 * per_second)] == 0


def test_of_a_balancer_that_is_down_nothing_is_open() -> None:
    sim = world()
    sim.faults(at(2, Crash("host:lb", for_="2s")))
    tally = sim.run(until=5.0).tally
    assert tally is not None
    third = round(3 / tally.grid.step)
    assert (tally.open_clients.peaks[third], tally.open_servers.peaks[third]) == (0, 0)


def test_looks_end_with_the_grid() -> None:
    sim = Simulation()
    tally = Tally(1.0)
    Census(sim.clock, sim.balancers, tally).start()
    looks = 0
    while sim.clock.pending:
        sim.clock._make_calls(sim.clock._next_call_at())
        looks += 1
    assert looks == tally.grid.count * LOOKS - 1, "the first of them was at once"
