"""``trio-lb run`` that can't listen, in virtual time: told before anything is asked of a server."""

from pathlib import Path

import trio

from tests.cli.test_program import FRONT, Running, config, start
from tests.support.world import World
from trio_lb.cli.exits import Exit
from trio_lb.cli.program import Program
from trio_lb.config.load import load_mapping
from trio_lb.model.address import Address


async def test_a_certificate_that_is_none_ends_it_with_78_and_its_name(
    world: World, nursery: trio.Nursery, tmp_path: Path
) -> None:
    path = tmp_path / "a.pem"
    path.write_text("garbage")
    listener = {"bind": str(FRONT), "protocol": "https", "ssl": {"certificate": str(path)}}
    plan = load_mapping({"listeners": [listener], "servers": ["10.0.0.1:80"]})
    running = await start(world, nursery, plan)
    assert running.ended is not None
    assert running.ended[0] == Exit.BAD_CONFIG
    assert running.log == [
        f"error listeners[0].ssl.certificates[0]: {path}: no PEM file: "
        "no line in it begins with '-----BEGIN'"
    ]


async def test_who_cannot_listen_neither_asks_nor_tells_of_a_server(
    world: World, tmp_path: Path
) -> None:
    server = await world.http_server("s1")
    path = tmp_path / "a.pem"
    path.write_text("garbage")
    ssl = {"certificate": str(path)}
    bad = {"bind": str(FRONT), "protocol": "https", "ssl": ssl}
    probed = {"servers": [str(server.address)], "health_check": {"interval": 1}}
    taken = await world.env.network.listen(FRONT)
    running = Running(world)
    for plan, code in (
        (load_mapping({"listeners": [bad], **probed}), Exit.BAD_CONFIG),
        (config(server.address, health_check={"interval": 1}), Exit.CANNOT_BIND),
    ):
        await running.run(Program(plan, world.sim))
        assert running.ended is not None
        assert running.ended[0] == code
    assert [line for line in running.log if "server" in line or "pool" in line] == []
    assert server.peers == []
    await taken.aclose()


async def test_a_taken_port_is_71_and_one_sentence(world: World) -> None:
    taken = await world.env.network.listen(FRONT)
    running = Running(world)
    await running.run(Program(config("10.0.0.9:80"), world.sim))
    assert running.ended is not None
    assert running.ended[0] == Exit.CANNOT_BIND
    (line,) = running.log
    assert line.startswith("trio-lb: cannot listen on 127.0.0.1:8000: ")
    assert line.endswith("or choose another port with -p")
    await taken.aclose()


async def test_of_several_listeners_the_one_that_cannot_be_bound_is_named(world: World) -> None:
    taken = await world.env.network.listen(Address("127.0.0.1", 8001))
    running = Running(world)
    listeners = [{"bind": "127.0.0.1:8000"}, {"bind": "127.0.0.1:8001"}]
    await running.run(Program(config("10.0.0.9:80", listeners=listeners), world.sim))
    (line,) = running.log
    assert line.startswith("trio-lb: cannot listen on 127.0.0.1:8001: ")
    assert line.endswith("or choose another port with listeners[1].bind")
    assert world.net.open_listeners() == [taken]
    await taken.aclose()
