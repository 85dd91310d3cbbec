"""The bus: names, directions, isolation of callbacks, and subscribers that are slow."""

import logging
from collections.abc import Callable

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from trio_lb.model.events import (
    ConfigUpdated,
    Destroyed,
    Event,
    MetricsUpdated,
    NoHealthyServers,
    ServerAdded,
    ServerEvent,
    ServerHealthChanged,
    ServerRemoved,
)
from trio_lb.net.bus import Bus, topics


def health(is_healthy: bool, at: float = 1.0) -> ServerHealthChanged:
    return ServerHealthChanged(
        at=at, pool="api", server_id="s1", is_healthy=is_healthy, reason="test"
    )


def gone(at: float) -> Destroyed:
    return Destroyed(at=at)


@pytest.fixture
def bus() -> Bus:
    return Bus()


@pytest.mark.parametrize(
    "name", ["server_health_changed", "serverHealthChanged", ServerHealthChanged]
)
def test_a_callback_hears_one_event_by_wire_name_old_name_or_class(
    bus: Bus, name: str | type[Event]
) -> None:
    heard: list[Event] = []
    bus.on(name, heard.append)
    bus.publish(health(True))
    bus.publish(gone(2.0))
    assert heard == [health(True)]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("backend-healthy", [True]),
        ("backend-unhealthy", [False]),
        ("serverUnhealthy", [False]),
        ("serverHealthChanged", [True, False]),
    ],
)
def test_the_names_of_one_direction_hear_only_that_one(
    bus: Bus, name: str, expected: list[bool]
) -> None:
    heard: list[ServerHealthChanged] = []
    bus.on(name, heard.append)
    bus.publish(health(True))
    bus.publish(health(False))
    assert [event.is_healthy for event in heard] == expected


def test_every_event_class_with_a_name_can_be_asked_for_in_both_spellings() -> None:
    names = topics()
    assert names["no_healthy_servers"].kind is names["noHealthyServers"].kind is NoHealthyServers
    assert names["config_updated"].kind is names["configUpdated"].kind is ConfigUpdated
    assert names["destroyed"].kind is Destroyed
    assert "event" not in names


def test_a_class_stands_for_its_subclasses(bus: Bus) -> None:
    heard: list[Event] = []
    bus.on(ServerEvent, heard.append)
    bus.publish(health(True))
    bus.publish(gone(1.0))
    assert heard == [health(True)]


def test_an_unknown_name_is_refused_with_the_nearest_one(bus: Bus) -> None:
    with pytest.raises(
        ValueError, match="no event is called 'server_adedd'; did you mean 'server_added'"
    ):
        bus.on("server_adedd", print)
    with pytest.raises(ValueError, match=r"no event is called 'zzz'$"):
        bus.on("zzz", print)


def test_nobody_is_called_after_unsubscribing_and_doing_so_twice_is_harmless(bus: Bus) -> None:
    heard: list[Event] = []
    undo = bus.on("destroyed", heard.append)
    twin = bus.on("destroyed", heard.append)
    undo()
    undo()
    bus.publish(gone(1.0))
    assert heard == [gone(1.0)]
    twin()
    bus.publish(gone(2.0))
    assert heard == [gone(1.0)]


def test_wants_follows_every_registration(bus: Bus) -> None:
    assert not bus.wants(Destroyed)
    undo = bus.on(Event, print)
    assert bus.wants(Destroyed)
    undo()
    assert not bus.wants(Destroyed)


def test_a_callback_that_raises_is_logged_and_disturbs_nobody(
    bus: Bus, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[Event] = []

    def broken(event: Event) -> None:
        raise RuntimeError("no more paper")

    bus.on("destroyed", broken)
    bus.on("destroyed", heard.append)
    with caplog.at_level(logging.ERROR):
        bus.publish(gone(1.0))
    assert heard == [gone(1.0)]
    assert "a callback for destroyed raised" in caplog.text
    assert "no more paper" in caplog.text


def test_a_callback_may_register_and_undo_while_it_runs(bus: Bus) -> None:
    heard: list[str] = []

    def first(event: Event) -> None:
        heard.append("first")
        undo()
        bus.on("destroyed", lambda e: heard.append("second"))

    undo: Callable[[], None] = bus.on("destroyed", first)
    bus.publish(gone(1.0))
    bus.publish(gone(2.0))
    assert heard == ["first", "second"]


async def test_a_subscriber_gets_events_in_order_as_they_come(autojump_clock: object) -> None:
    bus, heard = Bus(), list[tuple[float, Event]]()

    async def publish_later() -> None:
        for second in (1.0, 2.0):
            await trio.sleep_until(start + second)
            bus.publish(gone(second))

    start = trio.current_time()
    async with trio.open_nursery() as nursery, bus.subscribe(Destroyed) as news:
        nursery.start_soon(publish_later)
        async for event in news:
            heard.append((trio.current_time() - start, event))
            if len(heard) == 2:
                break
    assert heard == [(1.0, gone(1.0)), (2.0, gone(2.0))]


async def test_a_slow_subscriber_loses_the_oldest_and_knows_how_many() -> None:
    bus = Bus()
    async with bus.subscribe(Destroyed, max_buffered=3) as news:
        for second in range(5):
            bus.publish(gone(float(second)))
        assert news.lost == 2
        assert [(await anext(news)).at for _ in range(3)] == [2.0, 3.0, 4.0]


async def test_overlapping_classes_deliver_an_event_once() -> None:
    bus = Bus()
    async with bus.subscribe(ServerHealthChanged, ServerEvent, ServerHealthChanged) as news:
        bus.publish(health(True))
        bus.publish(health(False))
        assert [await anext(news), await anext(news)] == [health(True), health(False)]


async def test_a_subscription_without_classes_is_one_to_everything_and_ends_with_its_block() -> (
    None
):
    bus = Bus()
    async with bus.subscribe() as news:
        assert bus.wants(Destroyed)
        bus.publish(gone(1.0))
        assert await anext(news) == gone(1.0)
        bus.publish(gone(2.0))
    assert not bus.wants(Destroyed)
    assert [event async for event in news] == []


KINDS: list[type[Event]] = [ServerAdded, ServerRemoved, ServerEvent, Event, Destroyed]
orders = st.lists(st.tuples(st.booleans(), st.integers(0, len(KINDS) - 1)), max_size=30)


@given(orders)
def test_wants_is_true_exactly_when_a_callback_would_be_called(
    orders: list[tuple[bool, int]],
) -> None:
    bus, undos = Bus(), list[Callable[[], None]]()
    heard: list[Event] = []
    event = ServerAdded(at=1.0, pool="api", server_id="s1")
    for add, index in orders:
        if add:
            undos.append(bus.on(KINDS[index], heard.append))
        elif undos:
            undos.pop(index % len(undos))()
        heard.clear()
        bus.publish(event)
        assert bus.wants(ServerAdded) == bool(heard)


def test_what_comes_by_the_clock_is_heard_by_who_names_it_only() -> None:
    bus = Bus()
    everything: list[Event] = []
    named: list[Event] = []
    bus.on(Event, everything.append)
    assert not bus.wants(MetricsUpdated)
    undo = bus.on("metrics_updated", named.append)
    assert bus.wants(MetricsUpdated)
    beat = MetricsUpdated(at=1.0)
    bus.publish(beat)
    undo()
    assert not bus.wants(MetricsUpdated)
    assert (everything, named) == ([], [beat])


async def test_a_subscription_to_all_and_the_clock_gets_both_once() -> None:
    bus = Bus()
    async with bus.subscribe(Event, MetricsUpdated, Destroyed) as news:
        told = [MetricsUpdated(at=1.0), Destroyed(at=2.0)]
        for event in told:
            bus.publish(event)
        assert [await anext(news), await anext(news)] == told


def test_whoever_comes_or_leaves_is_noticed() -> None:
    bus = Bus()
    noticed: list[bool] = []
    bus.on_interest = lambda: noticed.append(bus.wants(Destroyed))
    undo = bus.on("destroyed", lambda event: None)
    undo()
    undo()
    assert noticed == [True, False]
