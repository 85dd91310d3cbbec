"""The shop on a quiet day, under whatever may befall it, and under what once broke it."""

import pytest
from hypothesis import given
from shop import buggy_shop, shop
from trio_lb.sim import SimulationTester, Sometimes, What
from trio_lb.sim.faults.fluent import ResetBeforeBody, during
from trio_lb.sim.search.strategies import schedules, search_settings

CUT = during(2, 2.1, ResetBeforeBody("lb", "inventory-2"))
"""What was found to break the first version: an answer is lost, but not the reservation."""


@pytest.mark.parametrize("world", [shop, buggy_shop])
def test_a_quiet_day(lb_sim, world):
    lb_sim.replay(world, until=20)


def test_orders_hold_under_failure(lb_sim):
    def world(sim):
        stock = shop(sim)
        again = Sometimes("a second try", What.DONE, when=lambda h: stock.asked_again > 0)
        sim.check(again)

    lb_sim.explore(world, until=20, seeds=5)


def test_the_bug_is_found(lb_sim):
    with pytest.raises(AssertionError, match="each_order_is_reserved_once: .*twice: "):
        lb_sim.explore(buggy_shop, until=20)


def test_what_was_found_holds_now(lb_sim):
    lb_sim.replay(shop, CUT, until=3, seed=0)
    with pytest.raises(AssertionError, match="twice: "):
        lb_sim.replay(buggy_shop, CUT, until=3, seed=0)


TESTER = SimulationTester("answers that are lost")
LOST = schedules(TESTER.field(shop), 5.0, kinds=["reset_after", "reset_before_body"], most_faults=3)


@search_settings(max_examples=15)
@given(LOST)
def test_whenever_an_answer_is_lost(faults):
    TESTER.replay(shop, *faults, until=5, settle=1)
