"""The faults of hosts, servers, clients and all around, family by family."""

from trio_lb.sim.faults import world_kinds
from trio_lb.sim.faults.target import Sort


def test_each_family_hits_its_own() -> None:
    hits = {
        world_kinds.host_kinds: {Sort.HOST, Sort.SERVER},
        world_kinds.app_kinds: {Sort.SERVER},
        world_kinds.control_kinds: {Sort.RESOLVER, Sort.LB, Sort.SERVER},
        world_kinds.client_kinds: {Sort.CLIENT},
        world_kinds.buggify_kinds: {Sort.POINT},
    }
    for family, sorts in hits.items():
        assert {sort for kind in family() for sort in kind.targets} == sorts


def test_a_quarter_of_the_points_acts_a_quarter_of_the_time() -> None:
    for kind in world_kinds.buggify_kinds():
        assert (kind.defaults["on"], kind.defaults["fires"]) == (0.25, 0.25)
