"""Events: the names on the wire are a promise, and every event says when it was."""

import re

import attrs
import pytest

from trio_lb.model import events
from trio_lb.model.events import Event, RequestRecord, ServerEvent
from trio_lb.model.outcome import Outcome, OutcomeKind

KINDS = {
    kind.name: kind
    for kind in vars(events).values()
    if isinstance(kind, type) and issubclass(kind, Event) and kind not in (Event, ServerEvent)
}

# What other programs subscribe to. A name that goes, or changes, breaks them.
NAMES = {
    "server_added", "server_removed", "server_selected", "server_health_changed",
    "server_ejected", "server_readmitted", "server_draining", "server_drained",
    "server_resumed", "loop_lagged",
    "circuit_breaker_opened", "circuit_breaker_half_opened", "circuit_breaker_reset",
    "no_healthy_servers", "fail_open_entered", "fail_open_left",
    "request_started", "request_completed", "request_failed", "request_retried", "request_shed",
    "config_updated", "config_rejected", "listener_opened", "listener_closed", "destroyed",
    "metrics_updated", "session_created", "sessions_cleaned",
}  # fmt: skip


def classes(root: type[Event]) -> list[type[Event]]:
    """``root`` and all that the module has below it."""
    kinds = [kind for kind in vars(events).values() if isinstance(kind, type)]
    return [kind for kind in kinds if issubclass(kind, root)]


def test_the_names_on_the_wire_are_these() -> None:
    assert set(KINDS) == NAMES


def test_no_two_events_share_a_name() -> None:
    assert len(KINDS) == len(classes(Event)) - 2, "all but the two roots"


@pytest.mark.parametrize("name", sorted(NAMES))
def test_a_name_is_its_class_in_lower_case(name: str) -> None:
    words = re.findall("[A-Z][a-z]+", KINDS[name].__name__)
    assert name == "_".join(words).lower()


@pytest.mark.parametrize("kind", classes(Event))
def test_every_event_needs_its_instant_and_stays_as_it_is(kind: type[Event]) -> None:
    # attrs gives a field without a default the marker NOTHING.
    fields = attrs.fields_dict(kind)
    assert fields["at"].default is attrs.NOTHING
    assert all(field.kw_only for field in fields.values())
    with pytest.raises(TypeError, match="'at'"):
        kind()  # type: ignore[call-arg]  # That it is refused is the point.
    required = {name: 1.5 for name, field in fields.items() if field.default is attrs.NOTHING}
    event = kind(**required)
    assert event.at == 1.5
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        event.at = 2.0  # type: ignore[misc]  # As above.


@pytest.mark.parametrize("kind", classes(ServerEvent))
def test_news_of_a_server_names_the_pool_and_the_server(kind: type[ServerEvent]) -> None:
    assert {"pool", "server_id"} <= set(attrs.fields_dict(kind))


def test_equal_news_are_equal_values() -> None:
    first = events.RequestRetried(
        at=3.0, pool="api", server_id="s1", request_id="c0ffee", attempt=1,
        outcome=Outcome(OutcomeKind.RESET), delay_seconds=0.05,
    )  # fmt: skip
    assert first == attrs.evolve(first)
    assert first != attrs.evolve(first, attempt=2)


def test_a_record_of_a_relayed_answer_has_no_error_and_names_nobody() -> None:
    record = RequestRecord(
        id="1", client="192.0.2.7", method="GET", target="/", version="HTTP/1.1", status=200,
        bytes_in=0, bytes_out=0, pool=None, server_id=None, attempts=0, started_at=0.0,
        wall_at=0.0, head_seconds=None, total_seconds=0.0,
    )  # fmt: skip
    assert (record.error, record.referer, record.user_agent) == (None, "", "")
