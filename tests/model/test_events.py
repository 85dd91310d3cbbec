"""The vocabulary of news: every event has its own name, and none can be changed afterwards."""

import inspect

import attrs
import pytest

from trio_lb.model import events
from trio_lb.model.events import Event, ServerEjected, ServerEvent

KINDS = [
    kind
    for _, kind in inspect.getmembers(events, inspect.isclass)
    if issubclass(kind, Event) and kind not in (Event, ServerEvent)
]


def test_no_two_events_share_a_name() -> None:
    names = [kind.name for kind in KINDS]
    assert sorted(set(names)) == sorted(names)
    assert "event" not in names


@pytest.mark.parametrize("kind", KINDS)
def test_a_name_is_its_class_s_in_snake_case(kind: type[Event]) -> None:
    assert kind.name.replace("_", "") == kind.__name__.lower()


@pytest.mark.parametrize("kind", KINDS)
def test_an_event_says_when(kind: type[Event]) -> None:
    assert "at" in attrs.fields_dict(kind)


def test_an_event_cannot_be_changed() -> None:
    event = ServerEjected(at=1.0, pool="p", server_id="s", reason="five failures", until=6.0)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        event.until = 7.0  # type: ignore[misc] # That is what must not work.
