"""News as log lines: each says what, where, why, and what follows."""

import logging
from typing import Any

import pytest
import trio

from tests.observe.balancer import serving
from tests.observe.records import failed
from trio_lb.app import open_load_balancer
from trio_lb.model import events
from trio_lb.model.events import Event
from trio_lb.observe.news import LINES, News
from trio_lb.sim.env import SimEnv

S1: dict[str, Any] = {"at": 7.0, "pool": "default", "server_id": "s1"}


async def lines_of(
    env: SimEnv, caplog: pytest.LogCaptureFixture, *published: Event
) -> list[tuple[str, str]]:
    """The lines that those events become: level and text."""
    caplog.clear()
    with caplog.at_level(logging.DEBUG, "trio_lb.news"):
        async with serving(env, News()) as lb:
            lb.publish(published)
    return [(each.levelname, each.getMessage()) for each in caplog.records]


@pytest.mark.parametrize(
    ("event", "level", "text"),
    [
        (
            events.ServerHealthChanged(**S1, is_healthy=False, reason="3 checks failed: refused"),
            "WARNING",
            "server default/s1: unhealthy (3 checks failed: refused); it gets no requests until "
            "its checks pass",
        ),
        (
            events.ServerHealthChanged(**S1, is_healthy=False, reason="manual"),
            "WARNING",
            "server default/s1: unhealthy (manual); it gets no requests until that is taken back",
        ),
        (
            events.ServerHealthChanged(**S1, is_healthy=True, reason="2 checks passed"),
            "INFO",
            "server default/s1: healthy (2 checks passed); it gets requests",
        ),
        (
            events.ServerEjected(**S1, reason="5 failures in a row", until=12.5),
            "WARNING",
            "server default/s1: ejected (5 failures in a row); it gets no requests for 5.5 s",
        ),
        (
            events.ServerReadmitted(**S1),
            "INFO",
            "server default/s1: readmitted; it gets requests again",
        ),
        (
            events.CircuitBreakerOpened(**S1, reason="5 failures in a row", until=37.0),
            "WARNING",
            "server default/s1: circuit breaker opens (5 failures in a row); no requests until "
            "trials in 30.0 s",
        ),
        (
            events.CircuitBreakerOpened(**S1, reason="manual"),
            "WARNING",
            "server default/s1: circuit breaker opens (manual); no requests until a person "
            "closes it",
        ),
        (
            events.CircuitBreakerHalfOpened(**S1),
            "INFO",
            "server default/s1: circuit breaker half-opens; requests may try it",
        ),
        (
            events.CircuitBreakerReset(**S1, reason="3 trials went well"),
            "INFO",
            "server default/s1: circuit breaker closes (3 trials went well); it gets requests",
        ),
        (
            events.ServerDraining(**S1, deadline=37.0),
            "INFO",
            "server default/s1: draining; no new requests, the old ones end for at most 30.0 s",
        ),
        (
            events.ServerDraining(**S1),
            "INFO",
            "server default/s1: draining; no new requests, the old ones end",
        ),
        (
            events.ServerDrained(**S1),
            "INFO",
            "server default/s1: drained; its last request has ended",
        ),
        (
            events.ServerDrained(**S1, clean=False),
            "WARNING",
            "server default/s1: the drain's time is up; requests are still open",
        ),
        (events.ServerAdded(**S1), "INFO", "server default/s1: added"),
        (events.ServerRemoved(**S1), "INFO", "server default/s1: removed"),
        (
            events.FailOpenEntered(at=7.0, pool="default", reason="all checks fail"),
            "WARNING",
            "pool 'default': fail-open (all checks fail); requests go to servers whatever their "
            "health",
        ),
        (
            events.FailOpenLeft(at=7.0, pool="default"),
            "INFO",
            "pool 'default': fail-open has ended; health counts again",
        ),
        (
            events.RequestShed(at=7.0, reason="max_connections"),
            "WARNING",
            "max_connections 1000 is reached; one more was answered 503",
        ),
        (
            events.ConfigUpdated(at=7.0, changes=("s1 added", "s2 removed")),
            "INFO",
            "configuration updated: s1 added; s2 removed",
        ),
        (
            events.ListenerOpened(at=7.0, address="127.0.0.1:80"),
            "INFO",
            "listener 127.0.0.1:80: accepting connections",
        ),
        (
            events.ListenerClosed(at=7.0, address="127.0.0.1:80"),
            "INFO",
            "listener 127.0.0.1:80: closed",
        ),
        (
            events.LoopLagged(at=7.0, seconds=1.234),
            "WARNING",
            "the event loop stood still for 1.23 s; every connection waited",
        ),
        (
            failed("upstream_connect_refused", status=502, attempts=3),
            "WARNING",
            "request c0ffee: GET /a?b=c failed at server default/s1 (upstream_connect_refused) "
            "after 3 attempts; answered 502",
        ),
        (
            failed("upstream_connect_failed", status=502, reason="10.0.0.1:1: TLS: it has expired"),
            "WARNING",
            "request c0ffee: GET /a?b=c failed at server default/s1 (upstream_connect_failed: "
            "10.0.0.1:1: TLS: it has expired) after 1 attempt; answered 502",
        ),
        (
            failed("upstream_connect_refused", status=502, method="TCP", target="127.0.0.1:6380"),
            "WARNING",
            "request c0ffee: TCP 127.0.0.1:6380 failed at server default/s1 "
            "(upstream_connect_refused) after 1 attempt; the client was reset",
        ),
        (
            failed("out_of_descriptors", status=503),
            "WARNING",
            "no descriptor is left to connect to a server; a request was answered 503 (raise the "
            "limit of open files, or lower limits.max_connections)",
        ),
        (
            failed("upstream_truncated", status=200),
            "WARNING",
            "request c0ffee: GET /a?b=c failed at server default/s1 (upstream_truncated) after "
            "1 attempt; the answer (200) was cut short",
        ),
    ],
)
async def test_an_event_becomes_a_line(
    env: SimEnv, caplog: pytest.LogCaptureFixture, event: Event, level: str, text: str
) -> None:
    assert await lines_of(env, caplog, event) == [(level, text)]


async def test_a_refused_configuration_is_a_line_for_each_problem(
    env: SimEnv, caplog: pytest.LogCaptureFixture
) -> None:
    refused = events.ConfigRejected(at=7.0, reason="lb.yaml:3 port\nlb.yaml:4 host")
    assert await lines_of(env, caplog, refused) == [
        ("ERROR", "configuration: lb.yaml:3 port"),
        ("ERROR", "configuration: lb.yaml:4 host"),
        ("ERROR", "configuration refused; the old one stays in force"),
    ]


async def test_what_clients_did_is_no_news(env: SimEnv, caplog: pytest.LogCaptureFixture) -> None:
    assert await lines_of(env, caplog, failed("client_gone"), failed("bad_request")) == []


async def test_an_empty_pool_says_why_it_is_empty(
    env: SimEnv, caplog: pytest.LogCaptureFixture
) -> None:
    ((level, text),) = await lines_of(env, caplog, events.NoHealthyServers(at=7.0, pool="default"))
    assert level == "WARNING"
    assert text.startswith("pool 'default': no healthy server")
    assert text.endswith("; a request was answered 503")


async def test_on_tcp_nobody_is_answered(env: SimEnv, caplog: pytest.LogCaptureFixture) -> None:
    async with serving(env, News(), protocol="tcp") as lb:
        lb.publish([events.NoHealthyServers(at=7.0, pool="default")])
    assert caplog.records[-1].getMessage().endswith("; a client was reset")


async def test_where_servers_are_checked_an_ejection_may_end_sooner(
    env: SimEnv, caplog: pytest.LogCaptureFixture
) -> None:
    config = {"servers": [{"id": "s1", "address": "10.0.0.9:80"}], "health_check": True}
    ejected = events.ServerEjected(**S1, reason="5 failures in a row", until=12.5)
    with caplog.at_level(logging.WARNING, "trio_lb.news"):
        async with open_load_balancer(config, env=env, services=[News()]) as lb:
            lb.bus.publish(ejected)
    assert (
        caplog.records[0]
        .getMessage()
        .endswith("it gets no requests for 5.5 s, or until checks find that it has recovered")
    )


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (events.ServerReadmitted(**S1), "readmitted; it gets no requests yet (unhealthy)"),
        (
            events.CircuitBreakerReset(**S1, reason="manual"),
            "circuit breaker closes (manual); it gets no requests yet (unhealthy)",
        ),
    ],
)
async def test_who_is_out_for_another_reason_is_not_promised_requests(
    env: SimEnv, caplog: pytest.LogCaptureFixture, event: Event, text: str
) -> None:
    async with serving(env, News()) as lb:
        lb.health.set("s1", healthy=False)
        with caplog.at_level(logging.INFO, "trio_lb.news"):
            lb.publish([event])
    assert f"server default/s1: {text}" in [each.getMessage() for each in caplog.records]


async def test_while_a_word_stands_above_the_checks_they_are_not_spoken_of(
    env: SimEnv, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(env, News()) as lb:
        lb.health.set("s1", healthy=False)
        told = events.ServerHealthChanged(**S1, is_healthy=False, reason="it did not start: boom")
        lb.publish([told])
    assert caplog.records[-1].getMessage() == (
        "server default/s1: unhealthy (it did not start: boom); it gets no requests until that "
        "is taken back"
    )


async def test_a_storm_is_one_line_in_ten_seconds_with_a_count(
    env: SimEnv, caplog: pytest.LogCaptureFixture
) -> None:
    storm = [failed("upstream_timeout", at=at) for at in (0.0, 1.0, 2.0, 10.0)]
    first, second = await lines_of(env, caplog, *storm)
    assert not first[1].endswith("like it)")
    assert second[1].endswith(" (and 2 more like it)")


async def test_state_changes_are_never_throttled(
    env: SimEnv, caplog: pytest.LogCaptureFixture
) -> None:
    flapping = [events.ServerReadmitted(**S1)] * 3
    assert len(await lines_of(env, caplog, *flapping)) == 3


async def test_a_start_into_the_void_is_told(env: SimEnv, caplog: pytest.LogCaptureFixture) -> None:
    config = {"servers": ["127.0.0.1:9001"], "health_check": {"interval": 5}}
    with caplog.at_level(logging.INFO, "trio_lb.news"):
        async with open_load_balancer(config, env=env, services=[News()]):
            await trio.sleep(30)
    told = [each.getMessage() for each in caplog.records]
    assert sum("none of its servers (1) passed the first check" in line for line in told) == 1


def test_every_line_of_the_table_is_for_an_event_of_its_own() -> None:
    silent = {events.ServerSelected, events.RequestRetried, events.RequestCompleted}
    told = set(LINES)
    assert told & silent == set()
    assert all(issubclass(kind, Event) for kind in told)
