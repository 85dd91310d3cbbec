"""Servers that are applications: hosted when they come, started, held while they can't serve."""

import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import trio

from tests.app.balancers import At, open_lb
from tests.support.world import World
from trio_lb.app import LoadBalancer, open_load_balancer
from trio_lb.config.load import load_mapping
from trio_lb.model.errors import ConfigError
from trio_lb.model.events import ServerHealthChanged
from trio_lb.model.request import Request

GET = ("GET", "/", {"Host": "a"})


class Site:
    """An ASGI application that names itself and notes its life."""

    def __init__(self, name: str, *, startup_seconds: float = 0.0, fails: str = "") -> None:
        self.name = name
        self.notes: list[tuple[str, float]] = []
        self._startup_seconds = startup_seconds
        self._fails = fails

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Speak both protocols."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": self.name.encode()})

    async def _live(self, receive: Any, send: Any) -> None:
        await receive()
        await trio.sleep(self._startup_seconds)
        if self._fails:
            await send({"type": "lifespan.startup.failed", "message": self._fails})
            return
        self._note("up")
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self._note("down")
        await send({"type": "lifespan.shutdown.complete"})

    def _note(self, what: str) -> None:
        self.notes.append((what, trio.current_time()))


def handler(name: str) -> Callable[[Request], Awaitable[str]]:
    async def answer(request: Request) -> str:
        await trio.lowlevel.checkpoint()
        return name

    return answer


async def ask(lb: LoadBalancer) -> tuple[int, bytes]:
    async with await lb.route(Request(*GET)) as response:
        return response.status, await response.read()


def changes(at: At) -> list[tuple[str, bool, str, float]]:
    told = at.told(ServerHealthChanged)
    return [(each.server_id, each.is_healthy, each.reason, each.at) for each in told]


async def test_the_block_begins_when_they_have_started_and_ends_when_they_have_stopped(
    world: World,
) -> None:
    site = Site("a", startup_seconds=7.0)
    async with open_lb(world, servers=[{"id": "a", "app": site}]) as at:
        assert site.notes == [("up", 7.0)]
        assert await ask(at.lb) == (200, b"a")
        await trio.sleep(1.0)
    assert site.notes == [("up", 7.0), ("down", 8.0)]


async def test_one_application_lives_once_however_many_servers_it_is(world: World) -> None:
    site = Site("a")
    servers = [{"id": "a", "app": site}, {"id": "b", "app": site}]
    async with open_lb(world, servers=servers) as at:
        assert [await ask(at.lb) for _ in range(2)] == [(200, b"a")] * 2
        await at.lb.remove_server("a")
        await trio.sleep(60.0)
        assert site.notes == [("up", 0.0)]
        assert await ask(at.lb) == (200, b"a")
    assert site.notes == [("up", 0.0), ("down", 60.0)]


async def test_one_that_is_added_gets_requests_when_it_has_started(world: World) -> None:
    async with open_lb(world, servers=[{"id": "s", "app": handler("s")}]) as at:
        at.lb.add_server(id="a", app=Site("a", startup_seconds=5.0))
        assert [await ask(at.lb) for _ in range(4)] == [(200, b"s")] * 4
        await trio.sleep(5.0)
        assert sorted([await ask(at.lb) for _ in range(2)]) == [(200, b"a"), (200, b"s")]
        assert changes(at) == [
            ("a", False, "its app is starting", 0.0),
            ("a", True, "its app has started", 5.0),
        ]


async def test_one_that_fails_at_its_start_gets_nothing_and_says_why(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_lb(world, servers=[{"id": "s", "app": handler("s")}]) as at:
        site = Site("a", startup_seconds=5.0, fails="Traceback ...\nRuntimeError: no database\n")
        at.lb.add_server(id="a", app=site)
        await trio.sleep(6.0)
        assert [await ask(at.lb) for _ in range(4)] == [(200, b"s")] * 4
        assert changes(at)[1:] == [
            ("a", False, "its app did not start: RuntimeError: no database", 5.0)
        ]
        result = await at.lb.health.check_server("a")
        assert result.error is not None
        assert "its app did not start: RuntimeError: no database" in result.error
    logged = [each.getMessage() for each in caplog.records if each.levelno >= logging.ERROR]
    assert logged == ["app Site did not start: RuntimeError: no database"]


async def test_one_that_is_still_starting_at_the_end_is_not_called_started(world: World) -> None:
    async with open_lb(world, servers=[{"id": "s", "app": handler("s")}]) as at:
        at.lb.add_server(id="a", app=Site("a", startup_seconds=50.0))
        await trio.sleep(1.0)
    assert trio.current_time() == 1.0
    assert changes(at) == [("a", False, "its app is starting", 0.0)]


async def test_one_that_is_taken_away_while_it_starts_answers_nobody(world: World) -> None:
    site = Site("a", startup_seconds=50.0)
    async with open_lb(world, servers=[{"id": "s", "app": handler("s")}]) as at:
        at.lb.add_server(id="a", app=site)
        await trio.sleep(1.0)
        await at.lb.remove_server("a")
        await trio.sleep(100.0)
        assert site.notes == []


async def test_a_server_may_become_an_application_and_an_application_a_server(
    world: World,
) -> None:
    site = Site("site")
    async with open_lb(world, servers=[{"id": "a", "app": site}]) as at:
        there = at.lb.update_server("a", address="10.0.9.9:1")
        assert (str(there.address), there.config.app) == ("10.0.9.9:1", None)
        assert (await ask(at.lb))[0] == 502, "nobody is there"
        await trio.sleep(1.0)
        assert [what for what, _ in site.notes] == ["up", "down"]
        here = at.lb.update_server("a", app=handler("here"))
        assert (str(here.address), here.id) == ("app:a", "a")
        assert await ask(at.lb) == (200, b"here")


async def test_a_failed_one_that_is_put_right_serves(world: World) -> None:
    async with open_lb(world, servers=[{"id": "a", "app": Site("a", fails="no")}]) as at:
        status, body = await ask(at.lb)
        assert status == 503
        assert b"no healthy server" in body
        at.lb.update_server("a", app=Site("anew", startup_seconds=1.0))
        await trio.sleep(1.0)
        assert await ask(at.lb) == (200, b"anew")


async def test_another_application_in_a_server_s_place_serves_at_once(world: World) -> None:
    old = Site("old")
    async with open_lb(world, servers=[{"id": "a", "app": old, "weight": 3}]) as at:
        server = at.lb.get_server("a")
        assert await ask(at.lb) == (200, b"old")
        assert at.lb.update_server("a", app=handler("new")) is server
        assert await ask(at.lb) == (200, b"new")
        await trio.sleep(1.0)
        assert old.notes == [("up", 0.0), ("down", 0.0)]
        assert server is not None
        assert server.weight == 3


async def test_a_reload_keeps_what_stays_and_stops_what_goes(world: World) -> None:
    stays, goes = Site("stays"), Site("goes")
    servers = [{"id": "a", "app": stays}, {"id": "b", "app": goes}]
    async with open_lb(world, servers=servers) as at:
        await trio.sleep(1.0)
        at.lb.apply(load_mapping({"servers": [{"id": "a", "app": stays, "weight": 2}]}))
        await trio.sleep(1.0)
        assert (stays.notes, goes.notes) == ([("up", 0.0)], [("up", 0.0), ("down", 1.0)])
        assert await ask(at.lb) == (200, b"stays")


async def test_one_that_leaves_finishes_its_requests_before_it_stops(world: World) -> None:
    class Slow(Site):
        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] == "http":
                await trio.sleep(5.0)
            await super().__call__(scope, receive, send)

    slow = Slow("slow")
    answers: list[tuple[int, bytes]] = []

    async with open_lb(world, servers=[{"id": "a", "app": slow}]) as at:

        async def ask_once() -> None:
            answers.append(await ask(at.lb))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask_once)
            await trio.sleep(1.0)
            await at.lb.remove_server("a")
        assert answers == [(200, b"slow")]
        await trio.sleep(1.0)
        assert slow.notes == [("up", 0.0), ("down", 5.0)]


async def test_a_probe_asks_an_application_as_requests_do(world: World) -> None:
    async def moody(request: Request) -> str:
        if request.path == "/health":
            assert request.headers["Host"] == "localhost"
        if request.path == "/health" and 10.0 <= trio.current_time() < 20.0:
            raise RuntimeError("a bad mood")
        return "well"

    check = {"path": "/health", "interval": "1s", "unhealthy_threshold": 1, "healthy_threshold": 1}
    async with open_lb(
        world, servers=[{"id": "a", "app": moody}], health_check=check, fail_open="false"
    ) as at:
        await at.lb.wait_ready()
        await trio.sleep(15.0)
        assert (await ask(at.lb))[0] == 503
        await trio.sleep(10.0)
        assert await ask(at.lb) == (200, b"well")
        assert [(healthy, reason) for _, healthy, reason, _ in changes(at)] == [
            (True, "first check passed"),
            (False, "1 check failed: status 500"),
            (True, "1 check passed"),
        ]


@pytest.mark.parametrize(
    ("app", "message"),
    [
        ("tests.app.nowhere:app", "can't be imported: ModuleNotFoundError"),
        ("tests.app.test_residents:nothing", "can't be imported: AttributeError"),
        (Site, "Site is a class: give an instance of it"),
        (lambda: None, r"takes neither \(scope, receive, send\) nor \(request\)"),
    ],
)
async def test_what_can_t_be_an_application_is_refused_before_anything_changes(
    world: World, app: object, message: str
) -> None:
    with pytest.raises(ConfigError, match=rf"pools\.default\.servers\[0\]\.app: .*{message}"):
        async with open_load_balancer({"servers": [{"id": "a", "app": app}]}, env=world.env):
            pytest.fail("it started")
    async with open_lb(world) as at:
        before = at.lb.config
        with pytest.raises(ConfigError, match=rf"^app: .*{message}"):
            at.lb.add_server(id="a", app=app)
        assert at.lb.config is before


async def test_a_tcp_listener_can_t_lead_to_an_application(world: World) -> None:
    listeners = [{"bind": "127.0.0.1:1", "protocol": "tcp", "pool": "raw"}]
    app = {"id": "a", "app": handler("a")}
    there = {"servers": ["10.0.9.9:1"]}
    wrong = r"app: an app speaks HTTP, and the tcp listener 127\.0\.0\.1:1 leads to it"
    with pytest.raises(ConfigError, match=rf"^pools\.raw\.servers\[0\]\.{wrong}"):
        async with open_lb(world, listeners=listeners, pools={"raw": {"servers": [app]}}):
            pytest.fail("it started")
    async with open_lb(world, servers=[app], listeners=listeners, pools={"raw": there}) as at:
        with pytest.raises(ConfigError, match=wrong):
            at.lb.pool("raw").add_server(**app)


async def test_one_that_is_probed_and_fails_says_so_and_nothing_before(world: World) -> None:
    servers = [{"id": "a", "app": Site("a")}, {"id": "b", "app": Site("b")}]
    async with open_lb(world, servers=servers, health_check={"path": "/"}) as at:
        await trio.sleep(1.0)
        at.lb.add_server(id="c", app=Site("c", startup_seconds=1.0, fails="no disk"))
        await trio.sleep(30.0)
        assert sorted(each[:3] for each in changes(at)) == [
            ("a", True, "first check passed"),
            ("b", True, "first check passed"),
            ("c", False, "its app did not start: no disk"),
        ]


site_by_name = Site("by name")


async def test_an_application_may_be_named_in_a_file(world: World) -> None:
    servers = [{"id": "a", "app": "tests.app.test_residents:site_by_name"}]
    site_by_name.notes.clear()
    async with open_lb(world, servers=servers) as at:
        assert await ask(at.lb) == (200, b"by name")
    assert [what for what, _ in site_by_name.notes] == ["up", "down"]
