"""Settings refuse what makes no sense, and say what would."""

import pytest

from trio_lb.model.errors import ConfigError
from trio_lb.sim.policy_level.settings import Clients, ServerModel, Trouble, TroubleKind, fleet


def test_a_fleet_is_so_many_servers_alike() -> None:
    servers = fleet(3, concurrency=8, cancels=False)
    assert [server.id for server in servers] == ["s1", "s2", "s3"]
    assert {(each.concurrency, each.cancels, each.queue) for each in servers} == {(8, False, None)}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ServerModel("s1", concurrency=0), "0 is not"),
        (lambda: ServerModel("s 1"), "'s 1' is not a name"),
        (lambda: ServerModel("s1", queue=-1), "-1 is not"),
        (lambda: Clients(timeout=0.0), "0.0 is not"),
        (lambda: Clients(retries=101), "101 is not"),
        (lambda: Trouble("late", 1.0, 2.0), "late"),
        (lambda: Trouble("slow", 2.0, 2.0), "2.0 does not come after at, 2.0"),
        (lambda: Trouble("slow", 1.0, 2.0, factor=0.0), "0.0 is not"),
    ],
)
def test_what_makes_no_sense_is_refused(make: object, message: str) -> None:
    assert callable(make)
    with pytest.raises(ConfigError) as refused:
        make()
    assert message in str(refused.value)


def test_troubles_are_written_by_name_or_by_member_and_take_lists() -> None:
    written = Trouble("crash", 1.0, 2.0, ["s1", "s2"])
    assert written == Trouble(TroubleKind.CRASH, 1.0, 2.0, ("s1", "s2"))
