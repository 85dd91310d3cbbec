"""A service that knows only trio's sockets takes part in a simulated world as it is."""

from contextlib import suppress

import h11
import httpx2
import trio

from trio_lb.sim.actors.client import OpenLoop
from trio_lb.sim.actors.policy import ClientPolicy
from trio_lb.sim.arrivals import Poisson
from trio_lb.sim.env import SimEnv
from trio_lb.sim.faults.fluent import Crash, at
from trio_lb.sim.result import Result
from trio_lb.sim.simulation import Simulation

CONFIG = {
    "servers": [{"id": "one", "address": "one:80"}, {"id": "two", "address": "two:80"}],
    "health_check": {"interval": "1s"},
}


async def answer(stream: trio.SocketStream) -> None:
    """Answer each request after a hundredth of a second."""
    machine = h11.Connection(h11.SERVER)
    head = h11.Response(status_code=200, headers=[("Content-Length", "2")])
    async with stream:
        with suppress(trio.BrokenResourceError):
            while machine.our_state is not h11.MUST_CLOSE:
                event = machine.next_event()
                if event is h11.NEED_DATA:
                    machine.receive_data(bytes(await stream.receive_some()))
                elif isinstance(event, h11.Request):
                    await trio.sleep(0.01)
                    parts = (head, h11.Data(data=b"ok"), h11.EndOfMessage())
                    await stream.send_all(b"".join(machine.send(part) or b"" for part in parts))
                elif isinstance(event, h11.EndOfMessage):
                    with suppress(h11.LocalProtocolError):  # The client wants no more of it.
                        machine.start_next_cycle()
                else:
                    return


async def service(env: SimEnv) -> None:
    """What runs on a host; all it takes of the simulator is that somebody calls it."""
    await trio.serve_tcp(answer, 80)


def day(seed: int) -> Result:
    """Two such services behind a balancer; one of them crashes for five seconds."""
    sim = Simulation(seed)
    sim.host("one", service)
    sim.host("two", service)
    sim.balancer(CONFIG)
    sim.clients("web", OpenLoop(Poisson(10.0)), policy=ClientPolicy(timeout=2.0, retries=3))
    sim.faults(at(5, Crash("host:two", for_="5s")))
    return sim.run(until=12, settle=6)


def test_it_crashes_comes_back_and_every_check_holds() -> None:
    result = day(7)
    totals = result.figures().totals
    assert result.violations == []
    assert totals["good"] == totals["offered"] > 150
    assert totals["tries"] > totals["offered"], "the crash was felt"


def test_a_client_library_asks_the_balancer_by_its_name() -> None:
    seen: list[tuple[int, str]] = []

    async def robot(env: SimEnv) -> None:
        await trio.sleep(1.0)
        async with httpx2.AsyncClient() as client:
            for _ in range(3):
                response = await client.get("http://lb/")
                seen.append((response.status_code, response.text))

    sim = Simulation(7)
    sim.host("one", service)
    sim.host("two", service)
    sim.balancer(CONFIG)
    sim.host("robot", robot)
    result = sim.run(until=5, guests=("httpx2", "httpcore2"))
    assert (result.violations, seen) == ([], [(200, "ok")] * 3)


def test_a_seed_is_a_day() -> None:
    assert day(7).trace_hash == day(7).trace_hash != day(8).trace_hash
