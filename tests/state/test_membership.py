"""Membership: who stays, comes and goes, told apart by address."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.state.books import plan, server
from trio_lb.config.schema import ServerConfig
from trio_lb.model.errors import ConfigError, UnknownServer
from trio_lb.state.membership import Membership, refuse_doubles
from trio_lb.state.server import Server


def take(membership: Membership, wanted: list[ServerConfig]) -> None:
    """Let a plan come true, as a pool does."""
    change = membership.compare(wanted)
    for each, config in change.stay:
        each.configure(config)
    membership.settle(wanted, [Server("api", config, None) for config in change.come])


def ids(servers: object) -> list[str]:
    return [each.id for each in servers]  # type: ignore[attr-defined] # any iterable of them


def test_a_change_names_who_stays_comes_and_goes_and_who_has_a_new_name() -> None:
    membership = Membership()
    take(membership, [server(1), server(2)])
    change = membership.compare([server(2, id="two"), server(3)])
    assert [(each.host, config.id) for each, config in change.stay] == [("10.0.0.2", "two")]
    assert [config.id for config in change.come] == ["s3"]
    assert ids(change.go) == ["s1"]
    assert change.renamed == {"s2": "two"}


def test_a_server_that_is_needed_is_named_when_it_is_not_there() -> None:
    membership = Membership("api")
    take(membership, [server(1), server(2)])
    take(membership, [server(1)])
    assert (membership.need("s2").id, membership.need_member("s1").id) == ("s2", "s1")
    with pytest.raises(UnknownServer, match="'s2' is leaving pool 'api' already"):
        membership.need_member("s2")
    with pytest.raises(UnknownServer, match="pool 'api' has no server 's9'"):
        membership.need("s9")


def test_members_stand_in_the_plan_s_order_and_leavers_after_them() -> None:
    membership = Membership()
    take(membership, [server(1), server(2), server(3)])
    take(membership, [server(3), server(1)])
    assert (ids(membership.members), ids(membership)) == (["s3", "s1"], ["s3", "s1", "s2"])


def test_an_id_means_the_member_and_only_without_one_the_leaver() -> None:
    membership = Membership()
    take(membership, [server(1)])
    old = membership.get("s1")
    take(membership, [])
    assert membership.get("s1") is old
    take(membership, [server(9, id="s1")])
    new = membership.get("s1")
    assert new is not None
    assert old is not None
    assert (new is old, membership.is_member(new), membership.is_member(old)) == (
        False,
        True,
        False,
    )


def test_two_servers_may_swap_their_names() -> None:
    membership = Membership()
    take(membership, [server(1), server(2)])
    one, two = membership.members
    take(membership, [server(1, id="s2"), server(2, id="s1")])
    assert (membership.get("s2"), membership.get("s1")) == (one, two)


def test_it_is_empty_when_the_last_leaver_is_dropped() -> None:
    membership = Membership()
    take(membership, [server(1)])
    (one,) = membership.members
    take(membership, [])
    assert not membership.is_empty
    membership.drop(one)
    assert membership.is_empty


def test_every_double_is_named_at_once() -> None:
    doubled = (server(1), server(2), server(1), server(3, id="s2"))
    with pytest.raises(ConfigError) as refused:
        refuse_doubles(plan(servers=doubled))
    assert [str(problem) for problem in refused.value.problems] == [
        "pools.api.servers[2].id: s1 is already in the pool",
        "pools.api.servers[3].id: s2 is already in the pool",
        "pools.api.servers[2].address: 10.0.0.1:80 is already in the pool",
    ]


sets_of_numbers = st.lists(st.integers(1, 6), unique=True, max_size=6)


@given(st.lists(sets_of_numbers, max_size=6))
def test_law_after_any_plans_the_members_are_the_last_one_s_and_nobody_is_lost_or_doubled(
    plans: list[list[int]],
) -> None:
    membership, known = Membership(), dict[str, Server]()
    for numbers in plans:
        take(membership, [server(number) for number in numbers])
        assert ids(membership.members) == [f"s{number}" for number in numbers]
        for each in membership:
            assert known.setdefault(each.id, each) is each
        assert len(ids(membership)) == len(known)
