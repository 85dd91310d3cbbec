"""Scenarios of a user's own: small worlds that fail by a rule that a test can know."""

import os
import signal
from pathlib import Path

import trio

from trio_lb.model.address import Address
from trio_lb.sim.actors.client import OpenLoop
from trio_lb.sim.actors.policy import ClientPolicy
from trio_lb.sim.arrivals import Poisson
from trio_lb.sim.checks import ErrorRate, Sometimes, checks
from trio_lb.sim.distributions import Fixed
from trio_lb.sim.env import SimEnv
from trio_lb.sim.faults.fluent import Crash, Latency, at
from trio_lb.sim.happening import Happening, What
from trio_lb.sim.scenario import Setup
from trio_lb.sim.simulation import Simulation


def calm(setup: Setup) -> Simulation:
    """Two servers of 10 ms, some clients: nothing happens to them."""
    sim = setup.simulation()
    sim.server("s1", service=Fixed(0.01))
    sim.server("s2", service=Fixed(0.01))
    setup.balancer(sim, {"algorithm": "round_robin"})
    sim.clients("web", OpenLoop(Poisson(10)), policy=ClientPolicy(timeout=2.0))
    return sim


def odd(setup: Setup) -> Simulation:
    """Odd seeds must not see a crash, which all of them do."""
    sim = calm(setup)
    sim.faults(
        at(1, Latency("lb", "s2", shift="50ms", for_="2s")), at(2, Crash("server:s1", for_="1s"))
    )

    @checks(What.INJECT)
    def no_crash(happening: Happening) -> str | None:
        is_crash = happening.values[0] == "crash"
        return "a server crashed" if is_crash and setup.seed % 2 else None

    sim.check(no_crash, Sometimes("a fault begins", What.INJECT))
    return sim


def vacuous(setup: Setup) -> Simulation:
    """It claims to reach what it never does."""
    sim = calm(setup)
    sim.check(Sometimes("a breaker opens", What.OPEN))
    return sim


def crashing(setup: Setup) -> Simulation:
    """A check of the user's own raises, in seed 3."""
    sim = calm(setup)

    @checks(What.DONE)
    def my_check(happening: Happening) -> str | None:
        return str(1 // (setup.seed - 3))[:0] or None

    sim.check(my_check)
    return sim


def hashing(setup: Setup) -> Simulation:
    """What it does depends on the hash of a text: twins give it away."""
    sim = calm(setup)
    sim.wire.tell(What.NOTE, "sim", 0, 0, hash("a text"))
    sim.faults(at(1, Latency("lb", "s2", shift=0.001 + hash("a text") % 7 / 100, for_="2s")))
    return sim


def dying(setup: Setup) -> Simulation:
    """Seed 2 takes its process with it."""
    if setup.seed == 2:
        os._exit(9)
    return calm(setup)


def slow_after_two(setup: Setup) -> Simulation:
    """From seed 2 on nobody gets an end to see, but a line on standard error says where it is."""
    if setup.seed >= 2:
        os.write(2, f"seed {setup.seed} never ends\n".encode())
        signal.pause()
    return calm(setup)


def says_when_it_runs(setup: Setup) -> Simulation:
    """A line on standard error tells that virtual time goes."""
    sim = calm(setup)
    sim.clock.call_at(0.5, lambda: os.write(2, b"it runs\n"))
    return sim


def crash(setup: Setup) -> Simulation:
    """One server of the user's own is gone for three seconds; few requests may fail of it."""
    sim = setup.simulation()
    first, *_ = setup.fleet(sim, 2, service=Fixed(0.01))
    setup.balancer(sim, {"algorithm": "round_robin"})
    sim.clients("web", OpenLoop(Poisson(20)), policy=ClientPolicy(timeout=2.0))
    sim.faults(at(1, Crash(f"server:{first}", for_="3s")))
    sim.check(ErrorRate("<2%"))
    return sim


async def _answers(stream: trio.SocketStream) -> None:
    async for _ in stream:
        await trio.sleep(0.01)
        await stream.send_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


async def _service(env: SimEnv) -> None:
    await trio.serve_tcp(_answers, 80)


def own_program(setup: Setup) -> Simulation:
    """Clients ask a trio program, which is gone for a second; no balancer is there."""
    sim = setup.simulation()
    sim.host("api", _service)
    policy = ClientPolicy(timeout=0.5, retries=1)
    sim.clients("web", OpenLoop(Poisson(20)), policy=policy, to=Address("api", 80))
    sim.faults(at(1, Crash("host:api", for_="1s")))
    return sim


def fails_once(setup: Setup) -> Simulation:
    """It fails; when it is run again, to be made small, nobody gets an end to see."""
    if Path("seen").exists():
        os.write(2, b"it is run again\n")
        signal.pause()
    sim = odd(setup)
    sim.clock.call_at(3.5, Path("seen").touch)
    return sim


def looping(setup: Setup) -> Simulation:
    """A check of the user's own loops without an end, in seed 1."""
    sim = calm(setup)

    @checks(What.DONE)
    def my_loop(happening: Happening) -> str | None:
        while setup.seed == 1:
            pass
        return None

    sim.check(my_loop)
    return sim


def fails_and_waits(setup: Setup) -> Simulation:
    """It fails with any fault, and twice in a row; then nobody gets an end to see."""
    with Path("seen").open("a+") as seen:
        seen.write("x")
        seen.seek(0)
        times = len(seen.read())
    if times == 9:
        os.write(2, b"it is run again\n")
        signal.pause()
    return odd(setup)
