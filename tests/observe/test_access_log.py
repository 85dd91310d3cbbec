"""The access log as a service: who is heard, what survives, what is lost."""

import errno
import logging

import pytest
import trio

from tests.observe.balancer import serving
from tests.observe.records import completed, failed
from tests.support.world import World
from trio_lb.app import open_load_balancer
from trio_lb.model.events import RequestCompleted
from trio_lb.observe.access_log import AccessLog
from trio_lb.sim.env import SimEnv


def access_log(env: SimEnv, form: str = "logfmt") -> AccessLog:
    return AccessLog(env.open_sink("/access"), form, name="/access")


def ids(env: SimEnv) -> list[str]:
    lines = env.sink("/access").data.decode().splitlines()
    return [word.removeprefix("id=") for line in lines for word in line.split() if "id=" in word]


async def test_one_line_for_each_request_however_it_ended(env: SimEnv) -> None:
    async with serving(env, access_log(env)) as lb:
        lb.publish([completed(id="a"), failed("client_gone", id="b")])
    assert ids(env) == ["a", "b"]
    assert not env.sink("/access").is_open


async def test_lines_are_written_together_within_a_quarter_of_a_second(env: SimEnv) -> None:
    async with serving(env, access_log(env)) as lb:
        lb.publish([completed(id="a")])
        await trio.sleep(0.2)
        lb.publish([completed(id="b")])
        assert ids(env) == []
        await trio.sleep(0.06)
        assert ids(env) == ["a", "b"]


async def test_without_it_nobody_wants_a_record(env: SimEnv) -> None:
    async with serving(env) as lb:
        assert not lb.bus.wants(RequestCompleted)


async def test_a_rotation_loses_no_line(env: SimEnv) -> None:
    log = access_log(env)
    log.reopen_soon()  # Before the start there is nothing to open anew.
    async with serving(env, log) as lb:
        lb.publish([completed(id="a")])
        log.reopen_soon()
        await trio.sleep(0.001)
        lb.publish([completed(id="b")])
    assert b"id=a" in env.sink("/access").rotated[0]
    assert ids(env) == ["b"]


async def test_a_full_disk_loses_lines_counts_them_and_tells_it_twice(
    env: SimEnv, caplog: pytest.LogCaptureFixture
) -> None:
    log = access_log(env)
    with caplog.at_level(logging.WARNING):
        async with serving(env, log) as lb:
            env.sink("/access").fail(OSError(errno.ENOSPC, "No space left on device"))
            for name in "abc":
                lb.publish([completed(id=name)])
                await trio.sleep(1)
            env.sink("/access").heal()
            lb.publish([completed(id="d")])
    assert (log.lost, ids(env)) == (3, ["d"])
    assert [each.getMessage() for each in caplog.records] == [
        "access log /access: cannot be written (No space left on device); "
        "its lines are lost until it can",
        "access log /access: written again; 3 lines were lost",
    ]


async def test_a_request_through_the_proxy_is_a_line_with_its_facts(
    world: World, nursery: trio.Nursery
) -> None:
    server = await world.http_server("s1")
    config = {
        "listeners": [{"bind": str(world.stage.bind("lb", 8000))}],
        "servers": [{"id": "s1", "address": str(server.address)}],
    }
    log = AccessLog(world.env.open_sink("/access"), "combined", name="/access")
    async with open_load_balancer(config, env=world.env, services=[log]) as lb:
        (world.front,) = await nursery.start(lb.serve)
        client = await world.client()
        await client.send(b'GET /a HTTP/1.1\r\nHost: a\r\nUser-Agent: "x"\r\n\r\n')
        assert (await client.read_response()).status == 200
        await lb.shutdown(1)
    (line,) = world.sim.sink("/access").data.decode().splitlines()
    assert f"{client.stream.local.host} - - [" in line
    assert '] "GET /a HTTP/1.1" 200 2 "-" "\\x22x\\x22" ' in line
    assert " default/s1 1 " in line
