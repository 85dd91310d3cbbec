"""What is known of a balancer is void when it dies."""

import pytest

from tests.sim.checks.support import SmallBalancer, world
from trio_lb.sim.checks.rebirth import Rebirth, balancer_hit
from trio_lb.sim.happening import Happening, What


def hit(entity: str, kind: str) -> Happening:
    return Happening(1.0, What.INJECT, entity, 0, 0, (kind, 1, "{}"))


@pytest.mark.parametrize("entity", ["lb", "host:lb", "lb:lb"])
@pytest.mark.parametrize("kind", ["crash", "restart"])
def test_a_deadly_fault_of_its_host_ends_it(entity: str, kind: str) -> None:
    known = {"lb": 1, "other": 2}
    rebirth = Rebirth(known.pop)
    rebirth.begin(world())
    rebirth.ears[What.INJECT](hit(entity, kind))
    assert known == {"other": 2}


def opened() -> Happening:
    return Happening(1.0, What.NEWS, "lb", 0, 0, ("listener_opened",))


def test_a_new_life_ends_what_is_known_of_the_old_one_however_that_ended() -> None:
    known, small = {"lb": 0}, world()
    rebirth = Rebirth(known.pop)
    rebirth.begin(small)
    rebirth.ears[What.NEWS](opened())
    assert known == {}
    known["lb"] = 1
    rebirth.ears[What.NEWS](opened())  # A reload opened another listener.
    assert known == {"lb": 1}
    small.balancers["lb"] = SmallBalancer(small.net.host("lb"), None, lives=2)
    rebirth.ears[What.NEWS](opened())
    assert known == {}


@pytest.mark.parametrize(("entity", "kind"), [("host:s1", "crash"), ("host:lb", "pause")])
def test_other_hosts_and_other_faults_do_not(entity: str, kind: str) -> None:
    assert balancer_hit(hit(entity, kind), world()) is None
