"""Rotation: tiers, the stable tuple, and a second look at each server's turn."""

from random import Random

from tests.state.books import server
from trio_lb.policy.balance.base import Context
from trio_lb.policy.balance.registry import make_balancer
from trio_lb.policy.breaker import Breaker
from trio_lb.state.rotation import Rotation
from trio_lb.state.server import Server


def rotation(*servers: Server) -> Rotation:
    made = Rotation()
    made.replace(servers)
    for each in servers:
        made.mark(each, True)
    return made


def bare(number: int, **knobs: object) -> Server:
    return Server("api", server(number, **knobs), None)


def ids(made: Rotation) -> list[list[str]]:
    return [[each.id for each in tier] for tier in made.tiers]


def order(made: Rotation) -> list[str]:
    balancer = make_balancer("round_robin")
    return [each.id for each in made.order(balancer, Context(), Random(0))]


def test_priorities_and_then_backups_make_tiers_in_configured_order() -> None:
    made = rotation(
        bare(1, backup=True), bare(2, priority=1), bare(3), bare(4, priority=1), bare(5)
    )
    assert ids(made) == [["s3", "s5"], ["s2", "s4"], ["s1"]]
    assert order(made) == ["s3", "s5", "s2", "s4", "s1"]


def test_a_backup_serves_when_no_other_server_can() -> None:
    one, spare = bare(1), bare(2, backup=True)
    made = rotation(one, spare)
    made.mark(one, False)
    assert order(made) == ["s2"]


def test_the_tuple_is_the_same_object_until_somebody_s_verdict_changes() -> None:
    one, two = bare(1), bare(2)
    made = rotation(one, two)
    (before,) = made.tiers
    made.mark(one, True)
    assert made.tiers[0] is before
    made.mark(one, False)
    made.mark(one, True)
    assert made.tiers[0] is not before
    assert made.tiers[0] == before


def test_counts_who_is_usable() -> None:
    one, two = bare(1), bare(2)
    made = rotation(one, two)
    assert made.size == 2
    made.mark(two, False)
    made.mark(two, False)
    assert (made.size, made.usable()) == (1, [one])
    made.replace([two])
    assert (made.size, made.usable()) == (0, [])


def test_who_is_not_among_the_new_servers_is_not_usable_any_more() -> None:
    one, two, three = bare(1), bare(2), bare(3)
    made = rotation(one, two)
    made.replace([two, three])
    assert [each.is_usable for each in (one, two, three)] == [False, True, False]
    assert (made.size, ids(made)) == (1, [["s2"]])


def test_the_ids_of_the_usable_ones_are_looked_up_not_listed() -> None:
    one, two, three = bare(1), bare(2, priority=1), bare(3)
    made = rotation(one, two, three)
    ids_now = made.ids
    made.mark(one, False)
    assert (len(ids_now), list(ids_now)) == (2, ["s2", "s3"])
    assert ["s1" in ids_now, "s2" in ids_now, "s4" in ids_now] == [False, True, False]
    made.replace([one, two])
    assert (len(made.ids), list(made.ids), "s3" in made.ids) == (1, ["s2"], False)


def test_nobody_usable_means_an_empty_order() -> None:
    assert order(Rotation()) == []


def test_a_share_that_changed_makes_new_tuples_of_the_same_servers() -> None:
    made = rotation(bare(1), bare(2))
    (before,) = made.tiers
    made.renew()
    assert made.tiers[0] is not before
    assert made.tiers[0] == before


def test_who_is_on_trial_takes_requests_and_is_not_in_service() -> None:
    one, two = bare(1), bare(2)
    made = rotation(one, two)
    one.open_trials(Breaker("api", "s1"))
    assert (made.size, order(made)) == (2, ["s1", "s2"])
    assert ("s1" in made.ids, list(made.ids), len(made.ids)) == (False, ["s2"], 1)
