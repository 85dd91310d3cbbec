"""Each step of a request's life stands in the column of whoever tells it."""

from tests.sim.report.fake_run import FakeRun
from trio_lb.sim.happening import Happening, What
from trio_lb.sim.report.roles import BALANCER, CLIENT, SERVER, WORLD, role_of
from trio_lb.sim.sentences import sentence_of


def test_whatever_a_run_tells_has_words_and_a_role() -> None:
    def check(happening: Happening) -> None:
        assert sentence_of(happening.what.name, happening.values)
        assert role_of(happening.what) in (CLIENT, BALANCER, SERVER, WORLD)

    FakeRun(check, rate=50).run(45.0)


def test_everything_that_can_happen_has_a_role() -> None:
    roles = {what: role_of(what) for what in What}
    assert roles[What.TRY] == CLIENT
    assert roles[What.TAKE] == SERVER
    assert roles[What.SELECT] == BALANCER
    assert roles[What.INJECT] == WORLD
