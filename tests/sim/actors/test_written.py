"""Servers and clients as data: read, written, and refused with the place of each slip."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_lb.model.errors import ConfigError
from trio_lb.sim.actors.asking import HugeHead, LeavesAfter, SlowBody, SlowHead
from trio_lb.sim.actors.client import ClosedLoop, OpenLoop
from trio_lb.sim.actors.line import Pace
from trio_lb.sim.actors.policy import ClientPolicy, Exponential, FullJitter, NoBackoff
from trio_lb.sim.actors.server import ColdStart, ServerSettings, Streaming, WhenFull
from trio_lb.sim.actors.websocket import WebSocketPolicy
from trio_lb.sim.actors.written import (
    ClientPlan,
    ServerPlan,
    WebSocketPlan,
    read_client,
    read_clients,
    read_server,
    read_servers,
    read_websockets,
    to_data,
)
from trio_lb.sim.arrivals import Poisson
from trio_lb.sim.distributions import Fixed, Lognormal

SECONDS = st.floats(0.001, 1000.0)
DRAWN = st.one_of(st.builds(Fixed, st.floats(0.0, 100.0)), st.just(Lognormal(p50=0.01, p99=0.1)))
ZONES = st.sampled_from([None, "a", "zone-b"])
SERVERS = st.builds(
    ServerPlan,
    st.builds(
        ServerSettings,
        service=DRAWN,
        concurrency=st.integers(1, 100),
        queue=st.integers(0, 100),
        size=DRAWN,
        when_full=st.sampled_from(WhenFull),
        notices_leaving=st.booleans(),
        cold_start=st.none() | st.builds(ColdStart, st.floats(1.0, 50.0), SECONDS),
        keep_alive_seconds=SECONDS | st.just(math.inf),
        backlog=st.integers(1, 4096),
        health=st.sampled_from([200, 204, 503]),
        health_seconds=SECONDS,
        streaming=st.none() | st.builds(Streaming, st.integers(1, 9), SECONDS),
    ),
    zone=ZONES,
    address=st.sampled_from([None, "10.1.2.3"]),
    port=st.integers(1, 65535),
)
HABITS = st.one_of(
    st.builds(SlowHead, SECONDS),
    st.builds(SlowBody, SECONDS),
    st.builds(HugeHead, st.integers(1, 10**6)),
    st.builds(LeavesAfter, st.integers(0, 10**6)),
)
BACKOFFS = st.one_of(
    st.builds(FullJitter, SECONDS, SECONDS), st.builds(Exponential, SECONDS), st.builds(NoBackoff)
)
CLIENTS = st.builds(
    ClientPlan,
    st.builds(OpenLoop, st.builds(Poisson, st.floats(0.1, 1000.0)))
    | st.builds(ClosedLoop, st.integers(1, 50), DRAWN),
    st.builds(
        ClientPolicy,
        timeout=SECONDS | st.just(math.inf),
        retries=st.integers(0, 9),
        backoff=BACKOFFS,
        retry_statuses=st.lists(st.sampled_from([429, 500, 503]), max_size=3).map(tuple),
        requests_per_connection=st.integers(1, 100),
        idle_seconds=SECONDS,
        posts=st.floats(0.0, 1.0),
        size=DRAWN,
        retries_posts=st.booleans(),
        host=st.sampled_from(["sim", "api.local"]),
        path=st.sampled_from(["/", "/a?b=c"]),
        pace=st.none() | st.builds(Pace, st.integers(1, 100), SECONDS),
        habits=st.lists(HABITS, max_size=3).map(tuple),
    ),
    zone=ZONES,
    to=st.sampled_from([None, ("lb",), ("lb1", "lb2")]),
)


CROWDS = st.builds(
    WebSocketPlan,
    st.integers(1, 1000),
    st.builds(
        WebSocketPolicy,
        messages=st.integers(0, 50),
        every=DRAWN,
        size=DRAWN,
        pause=DRAWN,
        ping_every=SECONDS | st.just(math.inf),
        timeout=SECONDS,
        backoff=BACKOFFS,
    ),
    zone=ZONES,
    to=st.sampled_from([None, ("lb",)]),
)


@given(CROWDS)
def test_a_crowd_that_is_written_down_is_read_as_the_same(plan: WebSocketPlan) -> None:
    assert read_websockets({"chat": to_data(plan)}) == {"chat": plan}


@given(SERVERS)
def test_a_server_that_is_written_down_is_read_as_the_same(plan: ServerPlan) -> None:
    assert read_server(to_data(plan)) == plan


@given(CLIENTS)
def test_clients_that_are_written_down_are_read_as_the_same(plan: ClientPlan) -> None:
    assert read_client(to_data(plan)) == plan


def test_units_are_read_and_defaults_are_kept() -> None:
    plans = read_servers(
        {"s1": {"service": {"lognormal": {"p50": "12ms", "p99": "80ms"}}, "queue": 9}, "s2": {}}
    )
    service = Lognormal(p50=0.012, p99=0.08)
    assert plans == {
        "s1": ServerPlan(ServerSettings(service=service, queue=9)),
        "s2": ServerPlan(),
    }
    assert to_data(plans["s2"]) == {}


def test_a_load_and_a_policy_make_clients() -> None:
    backoff = {"full_jitter": {"base": "100ms"}}
    policy = {"timeout": "1s", "retries": 3, "backoff": backoff}
    plans = read_clients({"web": {"load": {"open": {"poisson": 100}}, "policy": policy}})
    expected = ClientPolicy(timeout=1.0, retries=3, backoff=FullJitter(0.1))
    assert plans == {"web": ClientPlan(OpenLoop(Poisson(100.0)), expected)}


def problems(read: object, value: object) -> list[str]:
    """What is wrong with it, each with its place."""
    with pytest.raises(ConfigError) as caught:
        read(value)  # type: ignore[operator]  # One of the readers of this module.
    return str(caught.value).splitlines()


def test_every_slip_of_a_server_is_told_with_its_place() -> None:
    wrong = {"service": "x", "quue": 3, "when_full": "ignore", "port": 0, "streaming": {"every": 0}}
    assert problems(read_servers, {"s": wrong}) == [
        "servers.s.quue: unknown key; did you mean 'queue'?",
        "servers.s.service: 'x' is not an amount (0.012, 80ms, 32KiB)",
        "servers.s.when_full: 'ignore' is no answer; allowed: reject, reset",
        "servers.s.streaming.every: 0 is not > 0 (seconds)",
        "servers.s.port: 0 is not in 1..65535",
    ]


def test_every_slip_of_a_client_is_told_with_its_place() -> None:
    wrong = {
        "w1": {"load": {"opn": {"poisson": 100}}, "policy": {"timeout": "x", "retreis": 3}},
        "w2": {},
        "w3": {"load": {"open": {"poison": 3}}, "policy": {"habits": ["rude"]}},
    }
    assert problems(read_clients, wrong) == [
        "clients.w1.load.opn: unknown load; did you mean 'open'?",
        "clients.w1.policy.retreis: unknown key; did you mean 'retries'?",
        "clients.w1.policy.timeout: 'x' is not a duration (10s, 250ms, 1m30s, 1h, or seconds)",
        "clients.w2: 'load' is missing",
        "clients.w3.load.open.poison: unknown process of arrivals; did you mean 'poisson'?",
        "clients.w3.policy.habits[0]: 'rude' is not a habit (one of slow_head, slow_body,"
        " huge_head, leaves_after, with its values)",
    ]


def test_health_that_is_code_cannot_be_written_down() -> None:
    with pytest.raises(ValueError, match="health that is code can't be written down"):
        to_data(ServerPlan(ServerSettings(health=lambda: 200)))
