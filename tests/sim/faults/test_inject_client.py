"""Faults of clients, injected into a real one whose bytes a server reads."""

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sim.actors.support import Theatre, once, play
from tests.sim.faults.play import make_fault
from trio_lb.model.errors import ConfigError
from trio_lb.sim.actors.client import ClientActor
from trio_lb.sim.actors.policy import ClientPolicy
from trio_lb.sim.actors.server import ServerSettings
from trio_lb.sim.distributions import Fixed
from trio_lb.sim.faults.inject import inject
from trio_lb.sim.faults.inject_client import CLIENT
from trio_lb.sim.faults.kinds import KINDS
from trio_lb.sim.faults.overlay import Heal
from trio_lb.sim.faults.site import Site
from trio_lb.sim.happening import What


def begin(theatre: Theatre, site: Site, kind: str, **args: object) -> Heal:
    """Inject it now into the client."""
    at = theatre.clock.current_time()
    heal = inject(site, make_fault(at, kind, "client:web", None, args))
    assert heal is not None
    return heal


def asked(
    kind: str, *instants: float, service: float = 0.1, size: int = 2, **args: object
) -> Theatre:
    """Let a client ask a server at these instants; the fault is healed after 10 s."""

    async def act(theatre: Theatre) -> None:
        settings = ServerSettings(service=Fixed(service), size=Fixed(size))
        await theatre.server(settings=settings)
        client = theatre.client(once(*instants), ClientPolicy(timeout=2000.0))
        heal = begin(theatre, Site(theatre), kind, **args)
        client.start()
        await trio.sleep_until(10.0)
        heal()
        assert (client.habits, client.depth, client.extra_retries) == ([], 1, 0)
        client.stop()
        await client.wait_quiet()

    return play(act)


def test_who_aborts_leaves_in_mid_answer_and_stays_when_it_is_healed() -> None:
    theatre = asked("abort", 1.0, 11.0, size=5000, bytes=1000)
    ends = [(what, values[0]) for _, what, values in theatre.told(What.ANSWER, What.FAIL)]
    assert ends == [("fail", "left")]


def test_a_slowloris_takes_minutes_for_its_head_and_the_server_knows_of_nothing() -> None:
    theatre = asked("slowloris_head", 0.0, every=3.0)
    (taken,) = theatre.told(What.TAKE)
    assert taken[0] == 0.003 + 3.0 * 60  # A head of 61 bytes.


def test_a_slow_body_keeps_a_request_open_that_was_taken_long_ago() -> None:
    theatre = asked("slowloris_body", 0.0, every=2.0)
    assert [at for at, _, _ in theatre.told(What.TAKE, What.BEGIN)] == [0.003, 198.003]


def test_pipelined_requests_share_a_connection() -> None:
    theatre = asked("pipelining", 0.0, 1.0, 2.0, 3.0, service=5.0, depth=3)
    conns = [each.conn for each in theatre.heard if each.what is What.TRY]
    assert conns == [conns[0]] * 3 + [conns[3]]
    assert conns[3] != conns[0]


def test_huge_headers_are_that_large() -> None:
    held: list[int] = []

    async def act(theatre: Theatre) -> None:
        server = await theatre.server(settings=ServerSettings(service=Fixed(1.0)))
        client = theatre.client(once(0.0))
        begin(theatre, Site(theatre), "huge_headers", bytes=50_000)
        client.start()
        await trio.sleep(0.5)
        held.extend(each.held_bytes for each in server.connections.values())

    play(act)
    assert 50_000 < held[0] < 51_000


def test_a_burst_of_retries_adds_up_and_does_not_wait() -> None:
    async def act(theatre: Theatre) -> None:
        theatre.net.host("s1")
        client = theatre.client(once(0.0), ClientPolicy(retries=1))
        site = Site(theatre)
        begin(theatre, site, "retry_burst", retries=2)
        begin(theatre, site, "retry_burst", retries=1)
        client.start()
        await trio.sleep(5.0)

    assert [at for at, _, _ in play(act).told(What.FAIL)] == [0.002, 0.004, 0.006, 0.008, 0.01]


def test_a_share_of_tries_is_hit() -> None:
    instants = [turn / 100 for turn in range(400)]
    theatre = asked("abort", *instants, share=0.25, bytes=1)
    assert 70 < len(theatre.told(What.FAIL)) < 130


def test_a_name_that_nobody_has_is_refused_with_the_nearest() -> None:
    async def act(theatre: Theatre) -> None:
        theatre.client(once())
        fault = make_fault(0.0, "abort", "client:wbe", None, {})
        with pytest.raises(ConfigError, match=r"there is no client 'wbe'.*web"):
            inject(Site(theatre), fault)

    play(act)


def test_a_crowd_that_talks_websocket_has_no_such_habits() -> None:
    async def act(theatre: Theatre) -> None:
        theatre.clients_by_name["chat"] = object()  # type: ignore[assignment]  # Anything but a client.
        fault = make_fault(0.0, "abort", "client:chat", None, {})
        with pytest.raises(ConfigError, match="'chat' does not ask by HTTP alone: abort needs"):
            inject(Site(theatre), fault)

    play(act)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.sampled_from([*CLIENT]), max_size=8), st.permutations(range(8)))
def test_whatever_overlaps_after_the_heals_the_client_is_as_before(
    kinds: list[str], order: list[int]
) -> None:
    async def act(theatre: Theatre) -> None:
        client: ClientActor = theatre.client(once())
        site = Site(theatre)
        heals = [begin(theatre, site, kind) for kind in kinds]
        for turn in order:
            if turn < len(heals):
                heals[turn]()
        assert (client.habits, client.depth, client.extra_retries) == ([], 1, 0)
        assert site.overlays.is_clear

    play(act)


def test_the_table_is_the_family() -> None:
    assert [*CLIENT] == [kind.name for kind in KINDS.values() if kind.family == "client"]
