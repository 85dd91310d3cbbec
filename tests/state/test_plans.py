"""Plans taken into books: what is told in which order, and who follows whose name.

How a whole pool lives through its plans is in ``test_pool_plans``.
"""

from typing import Any

from tests.state.books import brief, plan, server
from trio_lb.config.schema import OutlierConfig, PoolConfig
from trio_lb.policy.balance.registry import make_balancer
from trio_lb.state.drains import Drains
from trio_lb.state.membership import Membership
from trio_lb.state.plans import Plans, balances_otherwise, new_balancer
from trio_lb.state.server import Server
from trio_lb.state.verdicts import Verdicts


class Books:
    """What plans work on, without a pool around it."""

    def __init__(self) -> None:
        self.membership = Membership()
        outlier = OutlierConfig(consecutive_failures=1)
        self.verdicts = Verdicts(plan(0, outlier_detection=outlier), self.membership)
        self.outlier = self.verdicts.outlier
        self.idle: list[Server] = []
        drains = Drains(lambda server, now: [])
        self.plans = Plans(self.membership, drains, self.verdicts, on_idle=self.idle.append)

    def take(self, config: PoolConfig, now: float = 0.0) -> list[str]:
        return brief(self.plans.take(config, make_balancer("round_robin"), now, now + 9.0))

    def get(self, server_id: str) -> Server:
        found = self.membership.get(server_id)
        assert found is not None
        return found

    def eject(self, victim: str, witness: str) -> None:
        self.outlier.observe(victim, True, 1.0, (victim, witness))
        self.outlier.observe(witness, False, 1.0, ())
        self.outlier.observe(victim, True, 1.0, (victim, witness))


def test_who_comes_is_told_before_who_goes() -> None:
    books = Books()
    assert books.take(plan(2)) == ["server_added s1", "server_added s2"]
    with books.get("s1").lease():
        assert books.take(plan(servers=(server(2), server(3)))) == [
            "server_added s3",
            "server_draining s1",
        ]


def test_two_servers_that_swap_their_names_keep_what_is_known_of_each() -> None:
    books = Books()
    books.take(plan(2))
    books.eject("s1", "s2")
    books.take(plan(servers=(server(1, id="s2"), server(2, id="s1"))))
    assert [books.outlier.is_ejected(each) for each in ("s1", "s2")] == [False, True]


def test_what_was_known_of_a_server_that_went_is_not_said_of_its_namesake() -> None:
    books = Books()
    books.take(plan(2))
    books.eject("s1", "s2")
    books.take(plan(servers=(server(9, id="s1"), server(2))))
    assert not books.outlier.is_ejected("s1")


def test_a_server_shows_since_when_it_has_been_there_and_does_not_age_when_it_comes_back() -> None:
    books = Books()
    books.take(plan(1), 3.0)
    with books.get("s1").lease():
        books.take(plan(0), 4.0)
        books.take(plan(1), 5.0)
    assert books.get("s1").added_at == 3.0


def test_plans_balance_otherwise_when_the_algorithm_or_what_made_it_differs() -> None:
    others: dict[str, Any] = {"algorithm": "random", "ewma_decay": 1.0, "hash_balance_factor": 2.0}
    for knob, value in others.items():
        assert balances_otherwise(plan(), plan(**{knob: value}))
    assert not balances_otherwise(plan(), plan(2, slow_start=1.0))
    assert new_balancer(plan(algorithm="random")).name == "random"


def test_a_leaver_s_last_lease_still_tells_that_it_is_idle() -> None:
    books = Books()
    books.take(plan(1))
    one = books.get("s1")
    with one.lease():
        books.take(plan(0))
    assert books.idle == [one]
