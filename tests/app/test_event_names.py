"""The events as programs name them: each name, each older spelling, each class, and its fields."""

import re
from functools import partial

import attrs
import pytest

import trio_lb
from tests.app.balancers import open_lb
from tests.support.world import World
from trio_lb.model import events
from trio_lb.model.events import Event, ServerEvent

NAMES = (
    "server_added", "server_removed", "server_selected", "server_health_changed",
    "circuit_breaker_opened", "circuit_breaker_half_opened", "circuit_breaker_reset",
    "server_ejected", "server_readmitted", "server_draining", "server_drained",
    "request_completed", "request_failed", "request_retried", "request_shed",
    "no_healthy_servers", "fail_open_entered", "fail_open_left", "session_created",
    "sessions_cleaned", "config_updated", "config_rejected", "metrics_updated",
    "listener_opened", "listener_closed", "destroyed",
)  # fmt: skip

OLD_NAMES = (
    "serverAdded", "serverRemoved", "serverSelected", "serverHealthChanged", "serverUnhealthy",
    "requestCompleted", "requestFailed", "noHealthyServers", "circuitBreakerOpened",
    "circuitBreakerReset", "configUpdated", "metricsUpdated", "sessionsCleaned", "destroyed",
    "backend-healthy", "backend-unhealthy",
)  # fmt: skip

FIELDS = {
    "ServerAdded": {"server_id", "server"},
    "ServerSelected": {"server_id", "server", "client_id"},
    "ServerHealthChanged": {"server_id", "is_healthy", "reason"},
    "RequestCompleted": {"server_id", "response_time_seconds"},
    "RequestFailed": {"server_id", "error"},
    "SessionsCleaned": {"count"},
    "MetricsUpdated": {"metrics"},
}

KINDS = [
    kind for kind in vars(events).values() if isinstance(kind, type) and issubclass(kind, Event)
]


async def test_every_name_is_accepted_and_undone(world: World) -> None:
    async with open_lb(world) as at:
        for name in (*NAMES, *OLD_NAMES):
            at.lb.on(name, lambda event: None)()


async def test_a_name_that_none_has_is_refused(world: World) -> None:
    async with open_lb(world) as at:
        for name in ("server_aded", "event", ""):
            with pytest.raises(ValueError, match="no event is called"):
                at.lb.on(name, lambda event: None)


async def test_old_and_new_names_tell_the_same_at_the_same_time(world: World) -> None:
    told: list[tuple[str, object]] = []

    def note(name: str, event: ServerEvent) -> None:
        told.append((name, event.server_id))

    async with open_lb(world) as at:
        for name in ("server_added", "serverAdded", "server_health_changed", "serverUnhealthy",
                     "backend-unhealthy", "backend-healthy"):  # fmt: skip
            at.lb.on(name, partial(note, name))
        at.lb.add_server(id="s3", address="10.0.9.9:3")
        at.lb.health.set("s3", healthy=False)
        at.lb.health.set("s3", healthy=True)
    assert told == [
        ("server_added", "s3"), ("serverAdded", "s3"),
        ("server_health_changed", "s3"), ("serverUnhealthy", "s3"), ("backend-unhealthy", "s3"),
        ("server_health_changed", "s3"), ("backend-healthy", "s3"),
    ]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_every_class_is_a_public_name(kind: type[Event]) -> None:
    assert getattr(trio_lb, kind.__name__) is kind
    assert kind.__name__ in trio_lb.__all__


def test_the_promised_names_are_classes_too() -> None:
    spelt = {"".join(word.capitalize() for word in name.split("_")) for name in NAMES}
    assert spelt <= {kind.__name__ for kind in KINDS}
    assert all(re.fullmatch("[a-z]+(_[a-z]+)*", name) for name in NAMES)


@pytest.mark.parametrize(("kind", "fields"), FIELDS.items())
def test_the_promised_fields_are_there(kind: str, fields: set[str]) -> None:
    assert fields <= set(attrs.fields_dict(getattr(trio_lb, kind)))


async def test_a_callback_that_raises_touches_neither_the_verb_nor_other_callbacks(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(event: Event) -> None:
        raise ZeroDivisionError("the program's own")

    heard: list[Event] = []
    async with open_lb(world) as at:
        at.lb.on("server_added", broken)
        at.lb.on("server_added", heard.append)
        assert at.lb.add_server(id="s3", address="10.0.9.9:3") in at.lb.servers()
        assert len(heard) == 1
        (record,) = caplog.records
        assert record.getMessage() == "a callback for server_added raised"


async def test_a_callback_may_use_the_verbs_itself(world: World) -> None:
    async with open_lb(world) as at:
        at.lb.on("server_added", lambda event: at.lb.update_server(event.server_id, weight=5))
        assert at.lb.add_server(id="s3", address="10.0.9.9:3").weight == 5
        assert at.lb.config.pools["default"].servers[-1].weight == 5
