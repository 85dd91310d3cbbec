"""The demo, whole, in virtual time: how it begins, how it ends, and what its exit code says."""

import errno
import re
from typing import Final

import pytest
import trio

from tests.cli.demo_text import instants_of, printed, rows, told
from tests.support.world import World
from trio_lb.cli import demo
from trio_lb.cli.arguments import Parser
from trio_lb.cli.exits import Exit
from trio_lb.model.address import Address
from trio_lb.net.env import Listener, Network
from trio_lb.sim.env import SimEnv

SHORT: Final = 15.0
MINUTE: Final = 60.0


async def test_while_it_is_dead_the_others_answer_everything(world: World) -> None:
    await demo.main(world.env, MINUTE, None)
    counts = rows(printed(world))
    assert list(counts) == [5.0 * number for number in range(1, 13)]
    assert counts[15.0] == [75, 0, 75, 0], "birch's breaker is open"
    assert counts[30.0] == [75, 75, 0, 0], "cedar is dead"
    assert counts[45.0] == [1, 75, 74, 0], "alder is ejected"
    assert {failed for *_, failed in counts.values()} == {0}
    assert sum(sum(row) for row in counts.values()) == 1800


async def test_the_last_line_counts_everything_for_a_program(world: World) -> None:
    await demo.main(world.env, MINUTE, None)
    text = printed(world)
    assert text.splitlines()[-1] == (
        "demo: answered=1800 failed=0 saved=15 breakers_opened=3 breakers_closed=1"
    )
    assert re.search(r"^  answered +1800$", text, re.MULTILINE)
    assert re.search(r"^  failed +0$", text, re.MULTILINE)


async def test_fifteen_seconds_show_a_death_a_recovery_and_no_failure(world: World) -> None:
    assert await demo.main(world.env, SHORT, None) == Exit.OK
    text = printed(world)
    assert "  open      http://127.0.0.1:8000 " in text
    assert instants_of("birch's breaker opens", text) == [0.8, 1.4, 2.5]
    assert instants_of("birch's breaker half-opens", text) == [1.3, 2.4, 4.5]
    assert instants_of("birch's breaker closes", text) == [4.8]
    assert instants_of(">>> cedar dies|cedar is unhealthy", text) == [6.0, 6.2]
    assert instants_of(">>> cedar comes back|cedar is healthy", text)[1:] == [8.5, 8.7]
    assert instants_of("alder is (ejected|readmitted)", text) == [10.5, 12.0]
    assert instants_of("birch is drained", text) == [13.0]
    assert instants_of(">>> the end", text) == [15.0]
    assert "demo: answered=450 failed=0 " in text
    assert world.sim.sink("-").data == b""


async def test_a_failed_request_is_counted_and_told_by_the_exit_code(
    world: World, nursery: trio.Nursery
) -> None:
    """A fault of this machine's own network resets every connection; one request has begun."""
    codes: list[Exit] = []

    async def play() -> None:
        codes.append(await demo.main(world.env, SHORT, None))

    nursery.start_soon(play)
    await trio.sleep(7.508)
    world.net.link("lb", "lb").reset()
    await trio.sleep(SHORT)
    assert codes == [Exit.FAILURE]
    assert re.search(r"^demo: answered=\d+ failed=1 ", printed(world), re.MULTILINE)


async def test_without_an_end_each_server_has_its_turn_until_a_signal(
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
    ill = [words.split()[1] for _, words in told(text) if "falls ill" in words]
    assert ill == ["birch", "cedar", "alder"]
    assert instants_of(r">>> \w+ falls ill", text) == [2.0, 62.0, 122.0]
    assert instants_of(">>> (cedar|alder) dies", text) == [24.0, 84.0]
    (end,) = instants_of(">>> the end", text)
    assert 129.0 < end <= 130.0
    assert re.search(r"^demo: answered=\d+ failed=0 ", text, re.MULTILINE)


async def test_a_taken_port_is_said_and_another_one_used(world: World) -> None:
    taken = await world.env.network.listen(Address("127.0.0.1", 8000))
    assert await demo.main(world.env, SHORT, None) == Exit.OK
    first, *_ = printed(world).splitlines()
    free = re.fullmatch(r"\(port 8000 is taken; this one is free: (\d+)\)", first)
    assert free
    assert f"  open      http://127.0.0.1:{free[1]} " in printed(world)
    await taken.aclose()


async def test_a_wanted_port_that_is_taken_ends_it(world: World) -> None:
    taken = await world.env.network.listen(Address("127.0.0.1", 8123))
    assert await demo.main(world.env, SHORT, 8123) == Exit.CANNOT_BIND
    assert b"cannot listen on 127.0.0.1:8123" in world.sim.sink("-").data
    await taken.aclose()


class Contested:
    """A network on which another program takes a port as soon as it was found to be free."""

    def __init__(self, network: Network, port: int) -> None:
        self.connect, self.resolve = network.connect, network.resolve
        self._network = network
        self._port = port
        self._is_taken = False

    async def listen(self, address: Address, *, backlog: int = 1024) -> Listener:
        if address.port == self._port and self._is_taken:
            raise OSError(errno.EADDRINUSE, "Address already in use")
        self._is_taken |= address.port == self._port
        return await self._network.listen(address, backlog=backlog)


async def test_a_port_that_is_lost_at_the_last_moment_ends_it_with_one_line(world: World) -> None:
    """As when two demos are started at once."""
    env = SimEnv(Contested(world.env.network, 8000))
    assert await demo.main(env, SHORT, None) == Exit.CANNOT_BIND
    (line,) = env.sink("-").data.decode().splitlines()
    assert line.startswith("trio-lb demo: cannot listen on 127.0.0.1:8000: address already in use")
    assert b"demo: answered" not in env.sink("/dev/stdout").data


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
