"""The demo, whole, in virtual time: what a newcomer sees."""

import re

import pytest
import trio

from tests.support.world import World
from trio_lb.cli import demo
from trio_lb.cli.arguments import Parser
from trio_lb.cli.exits import Exit
from trio_lb.model.address import Address


def printed(world: World) -> str:
    return world.sim.sink("/dev/stdout").data.decode()


def instant_of(pattern: str, text: str) -> float:
    found = re.search(rf"^ *([\d.]+) s  {pattern}", text, re.MULTILINE)
    assert found, f"{pattern!r} is not in:\n{text}"
    return float(found[1])


async def test_fifteen_seconds_show_a_death_a_recovery_and_no_failure(world: World) -> None:
    assert await demo.main(world.env, 15.0, None) == Exit.OK
    text = printed(world)
    assert "  open      http://127.0.0.1:8000 " in text
    assert instant_of(">>> birch dies", text) == 5.0
    assert instant_of("birch is (ejected|unhealthy)", text) < 6.0
    assert instant_of(">>> birch is back", text) == 10.0
    assert 10.0 < instant_of(r"birch is healthy \(2 checks passed", text) < 12.0
    assert instant_of(">>> the end", text) == 15.0
    assert re.search(r"^  answered +300$", text, re.MULTILINE)
    assert re.search(r"^  failed +0$", text, re.MULTILINE)
    assert world.sim.sink("-").data == b""


async def test_while_it_is_dead_the_others_answer_everything(world: World) -> None:
    await demo.main(world.env, 15.0, None)
    rows = re.findall(
        r"answered:  alder +(\d+) +birch +(\d+) +cedar +(\d+) +failed +(\d+)", printed(world)
    )
    counts = [tuple(map(int, row)) for row in rows]
    assert counts[3] == (25, 0, 25, 0)
    assert all(sum(row) == 50 for row in counts[1:])
    assert counts[5][1] >= 16


async def test_a_visitor_is_told_who_answered(world: World, nursery: trio.Nursery) -> None:
    nursery.start_soon(demo.main, world.env, 15.0, None)
    await trio.sleep(1)
    visitor = await world.client(Address("127.0.0.1", 8000), host="lb")
    await visitor.send(b"GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
    name = (await visitor.read_response()).body.decode().strip()
    visitor.reset()
    await trio.sleep(20)
    assert f"you asked for /hello, {name} answered" in printed(world)


async def test_without_an_end_it_goes_on_until_a_signal(
    world: World, nursery: trio.Nursery
) -> None:
    codes: list[Exit] = []

    async def play() -> None:
        codes.append(await demo.main(world.env, None, None))

    nursery.start_soon(play)
    await trio.sleep(130)
    world.sim.send_signal("SIGINT")
    await trio.sleep(5)
    assert codes == [Exit.OK]
    text = printed(world)
    assert [instant_of(f">>> {name} dies", text) for name in ("birch", "cedar")] == [20.0, 80.0]
    assert 129.0 < instant_of(">>> the end", text) <= 130.0
    assert re.search(r"^  failed +0$", text, re.MULTILINE)


async def test_a_taken_port_is_said_and_another_one_used(world: World) -> None:
    taken = await world.env.network.listen(Address("127.0.0.1", 8000))
    assert await demo.main(world.env, 15.0, None) == Exit.OK
    first, *_ = printed(world).splitlines()
    free = re.fullmatch(r"\(port 8000 is taken; this one is free: (\d+)\)", first)
    assert free
    assert f"  open      http://127.0.0.1:{free[1]} " in printed(world)
    await taken.aclose()


async def test_a_wanted_port_that_is_taken_ends_it(world: World) -> None:
    taken = await world.env.network.listen(Address("127.0.0.1", 8123))
    assert await demo.main(world.env, 15.0, 8123) == Exit.CANNOT_BIND
    assert b"cannot listen on 127.0.0.1:8123" in world.sim.sink("-").data
    await taken.aclose()


@pytest.mark.parametrize("seconds", ["14", "soon"])
def test_too_short_a_play_is_a_usage_error(
    seconds: str, capsys: pytest.CaptureFixture[str]
) -> None:
    parser = Parser(prog="trio-lb demo")
    demo.add_arguments(parser)
    with pytest.raises(SystemExit) as left:
        parser.parse(["--seconds", seconds])
    assert left.value.code == Exit.USAGE
    assert "argument --seconds: " in capsys.readouterr().err
