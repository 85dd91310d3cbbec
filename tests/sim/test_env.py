"""SimEnv: everything in it follows from the seed and trio's clock."""

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from trio_lb.net.env import Env, Outside
from trio_lb.net.real import RealEnv
from trio_lb.sim.env import SimEnv
from trio_lb.sim.network import VirtualNetwork


def new_env() -> SimEnv:
    return SimEnv(VirtualNetwork().host("lb"))


async def test_both_clocks_are_trio_s_clock(env: SimEnv) -> None:
    await trio.sleep(90.5)
    assert env.now() == 90.5
    assert env.wall() == 1_767_225_600.0 + 90.5


async def test_the_wall_clock_may_jump_and_the_other_stays(env: SimEnv) -> None:
    await trio.sleep(1.5)
    env.epoch += 3600
    assert (env.now(), env.wall()) == (1.5, 1_767_225_600.0 + 3600 + 1.5)


def test_a_stream_of_chance_is_one_per_name_and_unmoved_by_the_others() -> None:
    env = new_env()
    other = new_env()
    other.rng("noise").random()
    assert [env.rng("pick").random() for _ in range(3)] == [
        other.rng("pick").random() for _ in range(3)
    ]


def test_chance_is_the_real_environment_s_chance_of_the_same_seed() -> None:
    env = new_env()
    assert env.rng("pick").random() == RealEnv(seed=0).rng("pick").random()


def test_tokens_are_seeded_and_distinct() -> None:
    env = new_env()
    tokens = [env.token(8) for _ in range(3)]
    assert [len(token) for token in tokens] == [16, 16, 16]
    assert len(dict.fromkeys(tokens)) == 3
    again = new_env()
    assert [again.token(8) for _ in range(3)] == tokens


async def test_a_signal_reaches_who_listens_to_its_name(env: SimEnv) -> None:
    async with env.signals(["SIGTERM", "SIGHUP"]) as received:
        env.send_signal("SIGHUP")
        env.send_signal("SIGTERM")
        assert [await anext(received), await anext(received)] == ["SIGHUP", "SIGTERM"]


async def test_a_signal_that_nobody_listens_to_is_an_error(env: SimEnv) -> None:
    async with env.signals(["SIGHUP"]):
        with pytest.raises(LookupError, match="SIGTERM"):
            env.send_signal("SIGTERM")
    with pytest.raises(LookupError, match="SIGHUP"):
        env.send_signal("SIGHUP")


async def test_waits_for_a_signal(env: SimEnv, nursery: trio.Nursery) -> None:
    got: list[str] = []

    async def listen() -> None:
        async with env.signals(["SIGTERM"]) as received:
            got.append(await anext(received))

    nursery.start_soon(listen)
    await wait_all_tasks_blocked()
    assert got == []
    env.send_signal("SIGTERM")
    await wait_all_tasks_blocked()
    assert got == ["SIGTERM"]


async def test_a_sink_can_be_read_under_its_path(env: SimEnv) -> None:
    sink = env.open_sink("/var/log/access.log")
    await sink.write(b"GET /\n")
    assert env.sink("/var/log/access.log").data == b"GET /\n"
    assert env.sink("/var/log/other.log").data == b""


async def test_a_sink_can_be_broken_before_it_is_opened(env: SimEnv) -> None:
    env.sink("/log").fail(OSError("disk full"))
    with pytest.raises(OSError, match="disk full"):
        await env.open_sink("/log").write(b"x")


def test_rare_points_are_off_until_switched_on() -> None:
    env = new_env()
    env.buggified["short-read"] = True
    assert (env.buggify("short-read"), env.buggify("other")) == (True, False)


def test_satisfies_the_protocol() -> None:
    host = VirtualNetwork().host("lb")
    env: Env = SimEnv(host)
    assert env.network is host


async def test_while_it_stands_still_time_passes_and_only_who_is_outside_looks(
    env: SimEnv, nursery: trio.Nursery
) -> None:
    env.watched = True
    looks: list[float] = []

    def look(now: float, outside: Outside) -> float:
        looks.append(now)
        outside.end_process(len(looks))
        return now + 2.0

    ticks: list[float] = []

    async def tick() -> None:
        while True:
            await trio.sleep(1.0)
            ticks.append(env.now())

    lookout = env.lookout(look)
    assert lookout is not None
    nursery.start_soon(tick)
    with lookout:
        await trio.sleep(1.5)
        env.stand_still(5.0)
        assert (looks, env.now()) == ([1.5, 3.5, 5.5], 6.5)
        env.stand_still(0.5)
        assert looks == [1.5, 3.5, 5.5], "its next look is due at 7.5"
    env.stand_still(10.0)
    assert len(looks) == 3
    assert ticks == [1.0]
    assert env.exit_codes == [1, 2, 3]


async def test_nobody_looks_at_a_simulation_that_does_not_want_it(env: SimEnv) -> None:
    assert env.lookout(lambda now, outside: now) is None


def test_an_armed_point_acts_when_a_toss_of_those_who_armed_it_says_so() -> None:
    env = new_env()
    said = [True, False, False, True]
    disarm = env.arm("connect", lambda: said.pop(0))
    assert [env.buggify("connect") for _ in range(2)] == [True, False]
    other = env.arm("connect", lambda: True)
    assert env.buggify("connect"), "the other one's"
    assert not env.buggify("probe")
    disarm()
    disarm()
    other()
    assert not env.buggify("connect")
    assert said == [True], "whoever disarmed is not asked any more"
