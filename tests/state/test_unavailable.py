"""Why nobody can serve: reasons in words, waits in whole seconds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.state.books import server
from trio_lb.policy.health import HealthMachine
from trio_lb.state.server import Server
from trio_lb.state.unavailable import explain, whole_seconds_until


def bare(number: int, *, usable: bool = False, **knobs: object) -> Server:
    """A server that is usable, or else ejected."""
    made = Server("api", server(number, **knobs), None)
    made.is_usable, made.is_ejected = usable, not usable
    return made


def test_a_pool_without_servers_says_so() -> None:
    assert explain("api", []) == "pool 'api': no healthy server, it has none"


def test_every_reason_is_counted() -> None:
    unchecked = Server("api", server(1), HealthMachine("api", "s1"))
    members = [unchecked, bare(2, disabled=True), bare(3), bare(4, disabled=True)]
    assert explain("api", members) == (
        "pool 'api': no healthy server of 4 (2 disabled, 1 ejected, 1 not checked yet)"
    )


def test_full_servers_are_healthy_but_without_room() -> None:
    full, out = bare(1, usable=True, max_connections=1), bare(2)
    with full.lease():
        text = explain("api", [full, out])
    assert text == (
        "pool 'api': no healthy server has room, of 2 (1 at max_connections, 1 ejected)"
    )
    assert explain("api", [full]) == "pool 'api': no healthy server of 1 (1 usable)"


@pytest.mark.parametrize(
    ("instants", "expected"),
    [([], 1), ([None], 1), ([10.0], 1), ([12.01, None, 19.0], 3), ([3.0], 1)],
)
def test_waits_are_rounded_up_to_the_next_known_instant(
    instants: list[float | None], expected: int
) -> None:
    assert whole_seconds_until(instants, 10.0) == expected


@given(st.lists(st.none() | st.floats(0, 1e6), max_size=5), st.floats(0, 1e6))
def test_law_a_wait_is_at_least_one_second(instants: list[float | None], now: float) -> None:
    assert whole_seconds_until(instants, now) >= 1
