"""Faults of servers, injected into a real one that is spoken to in raw bytes."""

from collections.abc import Awaitable, Callable

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sim.actors.support import Theatre, play, read_until_silence, request
from tests.sim.faults.play import make_fault
from trio_lb.model.errors import ConfigError
from trio_lb.sim.actors.server import ServerActor, ServerSettings
from trio_lb.sim.distributions import Fixed
from trio_lb.sim.faults.inject import inject
from trio_lb.sim.faults.inject_app import APP
from trio_lb.sim.faults.kinds import KINDS
from trio_lb.sim.faults.overlay import Heal
from trio_lb.sim.faults.site import Site
from trio_lb.sim.happening import What

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Served-By: s1\r\n\r\n1 "
Inject = Callable[..., Heal]


def hurt(scene: Callable[[Theatre, ServerActor, Inject], Awaitable[None]]) -> Theatre:
    """Play with one server, and what injects a fault into it now."""

    async def act(theatre: Theatre) -> None:
        server = await theatre.server(settings=ServerSettings(service=Fixed(0.1)))
        site = Site(theatre)

        def now(kind: str, **args: object) -> Heal:
            at = theatre.clock.current_time()
            heal = inject(site, make_fault(at, kind, "server:s1", None, args))
            assert heal is not None
            return heal

        await scene(theatre, server, now)

    return play(act)


async def ask(theatre: Theatre, more: str = "") -> bytes:
    """All that comes to one request, number 1, on a connection of its own."""
    stream = await theatre.dial()
    await stream.send_some(request(1, more=more))
    data = await read_until_silence(stream)
    stream.close()
    return data


WRONG = [
    ("errors", {"share": 1.0, "status": 500}, b"HTTP/1.1 500 ", b"\r\n\r\nno"),
    ("error_burst", {"length": 1, "status": 502}, b"HTTP/1.1 502 ", b"\r\n\r\nno"),
    (
        "too_busy",
        {"status": 429, "retry_after": 4.2},
        b"HTTP/1.1 429 ",
        b"Retry-After: 5\r\n\r\nno",
    ),
    ("wrong_content_length", {"by": 3}, b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n", b"\r\n\r\n1 "),
    (
        "wrong_content_length",
        {"by": -9},
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n",
        b"\r\n\r\n1 ",
    ),
    ("truncated_chunked", {}, b"HTTP/1.1 200 OK\r\nTransfer-E", b"\r\n\r\n2\r\n1 \r\n"),
    ("response_splitting", {}, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n", OK[-17:]),
]


@pytest.mark.parametrize(("kind", "args", "begin", "end"), WRONG)
def test_what_is_answered_while_it_lasts_and_after_it(
    kind: str, args: dict[str, object], begin: bytes, end: bytes
) -> None:
    async def scene(theatre: Theatre, server: ServerActor, now: Inject) -> None:
        heal = now(kind, **args)
        wrong = await ask(theatre)
        assert wrong.startswith(begin)
        assert wrong.endswith(end)
        heal()
        assert await ask(theatre) == OK
        heal()  # A second one changes nothing.
        assert (server.conducts, server.gates) == ([], [])

    hurt(scene)


def test_a_split_answer_is_two_answers_on_the_wire() -> None:
    async def scene(theatre: Theatre, server: ServerActor, now: Inject) -> None:
        now("response_splitting")
        assert (await ask(theatre)).split(b"HTTP/1.1 ")[1:] == [
            b"200 OK\r\nContent-Length: 0\r\nX-Served-By: s1\r\nX-Next: /\r\n\r\n",
            b"200 OK\r\nContent-Length: 2\r\nX-Served-By: s1\r\n\r\n1 ",
        ]

    hurt(scene)


def test_errors_come_at_once_and_take_no_place() -> None:
    async def scene(theatre: Theatre, server: ServerActor, now: Inject) -> None:
        now("errors", share=1.0)
        await ask(theatre)

    assert hurt(scene).told(What.BEGIN, What.REPLY) == [(0.003, "reply", (500, 2, 0))]


def test_a_burst_is_so_many_errors_in_a_row() -> None:
    async def scene(theatre: Theatre, server: ServerActor, now: Inject) -> None:
        now("error_burst", length=3, status=503)
        for _ in range(5):
            await ask(theatre)

    statuses = [values[0] for _, _, values in hurt(scene).told(What.REPLY)]
    assert statuses == [503, 503, 503, 200, 200]


def test_a_share_of_requests_is_hit() -> None:
    async def scene(theatre: Theatre, server: ServerActor, now: Inject) -> None:
        now("errors", share=0.3)
        stream = await theatre.dial()
        for number in range(1, 301):
            await stream.send_some(request(number))
            await stream.receive_some(1000)

    statuses = [values[0] for _, _, values in hurt(scene).told(What.REPLY)]
    assert 70 < statuses.count(500) < 110


def test_an_endless_answer_has_no_end() -> None:
    async def scene(theatre: Theatre, server: ServerActor, now: Inject) -> None:
        heal = now("endless_response")
        stream = await theatre.dial()
        await stream.send_some(request(1))
        await trio.sleep(20.0)
        heal()  # Who has begun goes on: an answer is wrong as a whole.
        for _ in range(3):
            assert len(await stream.receive_some(65536)) > 1000
            await trio.sleep(1.0)

    hurt(scene)


def test_health_lies_whatever_is_the_case() -> None:
    async def scene(theatre: Theatre, server: ServerActor, now: Inject) -> None:
        told = [server.health_status()]
        failing = now("health_lies", answer="failing")
        told.append(server.health_status())
        fine = now("health_lies", answer="ok")
        told.append(server.health_status())
        fine()
        told.append(server.health_status())
        failing()
        told.append(server.health_status())
        assert told == [200, 503, 200, 503, 200]

    hurt(scene)


def test_two_that_are_slow_multiply_and_the_smaller_memory_counts() -> None:
    async def scene(theatre: Theatre, server: ServerActor, now: Inject) -> None:
        heals = [now("slow", x=10.0), now("slow", x=4.0)]
        heals += [now("memory_limit", bytes=4096), now("memory_limit", bytes=2048)]
        assert (server.slow_factor, server.memory_limit) == (40.0, 2048.0)
        heals[0]()
        heals[3]()
        assert (server.slow_factor, server.memory_limit) == (4.0, 4096.0)
        heals[1]()
        heals[2]()
        assert (server.slow_factor, server.memory_limit) == (1.0, None)

    hurt(scene)


def test_what_is_no_server_of_the_simulation_has_no_answers_to_change() -> None:
    async def act(theatre: Theatre) -> None:
        theatre.net.host("s1")
        fault = make_fault(0.0, "errors", "server:s1", None, {})
        with pytest.raises(ConfigError, match="'s1' is no server of the simulation, and errors"):
            inject(Site(theatre), fault)

    play(act)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.sampled_from([*APP]), max_size=8), st.permutations(range(8)))
def test_whatever_overlaps_after_the_heals_the_server_is_as_before(
    kinds: list[str], order: list[int]
) -> None:
    async def scene(theatre: Theatre, server: ServerActor, now: Inject) -> None:
        heals = [now(kind) for kind in kinds]
        for turn in order:
            if turn < len(heals):
                heals[turn]()
        state = (server.conducts, server.gates, server.slow_factor, server.health_told)
        assert (*state, server.memory_limit) == ([], [], 1.0, None, None)

    hurt(scene)


def test_the_table_is_the_family_and_the_limit_of_memory() -> None:
    family = [kind.name for kind in KINDS.values() if kind.family == "app"]
    assert sorted(APP) == sorted([*family, "memory_limit"])
