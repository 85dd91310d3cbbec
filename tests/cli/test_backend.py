"""``trio-lb backend``: from its options to its exit code."""

import pytest
import trio

from tests.support.world import World
from trio_lb.cli import backend
from trio_lb.cli.arguments import Parser
from trio_lb.cli.backend_server import Behaviour
from trio_lb.cli.exits import Exit
from trio_lb.model.address import Address


def parse(*argv: str) -> object:
    parser = Parser(prog="trio-lb backend")
    backend.add_arguments(parser)
    return parser.parse(argv)


def test_its_defaults_are_those_of_requirement_004() -> None:
    assert vars(parse()) == {
        "port": 8080,
        "host": "127.0.0.1",
        "content": "Backend Server",
        "latency": 0.0,
        "fail": 0.0,
    }


def test_latency_is_a_duration_and_fail_a_share() -> None:
    options = vars(parse("-p", "0", "-c", "A", "--latency", "20ms", "--fail", "0.05"))
    assert (options["latency"], options["fail"], options["port"]) == (0.02, 0.05, 0)


@pytest.mark.parametrize("argv", [["--fail", "2"], ["-p", "70000"], ["--latency", "-1s"]])
def test_a_value_out_of_bounds_is_a_usage_error(
    argv: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        parse(*argv)
    assert left.value.code == Exit.USAGE
    assert f"argument {'-p/--port' if argv[0] == '-p' else argv[0]}: " in capsys.readouterr().err


async def test_names_its_address_serves_and_ends_with_0_at_a_signal(
    world: World, nursery: trio.Nursery, capsys: pytest.CaptureFixture[str]
) -> None:
    ended: list[Exit] = []

    async def program() -> None:
        ended.append(await backend.main(world.env, Address("127.0.0.1", 0), Behaviour("A")))

    nursery.start_soon(program)
    await trio.sleep(1)
    place = capsys.readouterr().err
    assert place.startswith("trio-lb backend: 'A' listening on http://127.0.0.1:")
    client = await world.client(Address("127.0.0.1", int(place.rpartition(":")[2])), host="lb")
    await client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert (await client.read_response()).body == b"A\n"
    world.sim.send_signal("SIGTERM")
    await trio.sleep(1)
    assert ended == [Exit.OK]


async def test_a_taken_port_is_exit_71_and_a_sentence(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    taken = await world.env.network.listen(Address("127.0.0.1", 9001))
    code = await backend.main(world.env, taken.address, Behaviour())
    assert code == Exit.CANNOT_BIND
    assert "trio-lb backend: cannot listen on 127.0.0.1:9001" in capsys.readouterr().err
    await taken.aclose()
