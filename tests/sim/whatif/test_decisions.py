"""The first decision in which two runs differ."""

from trio_lb.sim.happening import Happening, What, Wire
from trio_lb.sim.whatif.decisions import PICKS, VERDICTS, Decisions, Parting, first_parting


def pick(at: float, req: int, server: str, busy: int = 0) -> Happening:
    return Happening(at, What.SELECT, "lb", 1, req, (server, "api", busy))


def test_what_is_decided_counts_not_when_nor_how_busy_anybody_was() -> None:
    old = [pick(1.0, 1, "s1"), pick(2.0, 2, "s2", 3)]
    new = [pick(1.5, 1, "s1"), pick(2.5, 2, "s2", 4)]
    assert first_parting(old, new) is None
    assert first_parting(old, [new[0], pick(2.5, 2, "s1")]) == Parting(
        "2.000000 s  lb: picks s2 of pool api, which has 3 requests in flight [request 2]",
        "2.500000 s  lb: picks s1 of pool api, which has 0 requests in flight [request 2]",
    )


def test_one_may_decide_nothing_more() -> None:
    first, second = pick(1.0, 1, "s1"), pick(2.0, 2, "s2")
    said = "2.000000 s  lb: picks s2 of pool api, which has 0 requests in flight [request 2]"
    assert first_parting([first, second], [first]) == Parting(said, "")
    assert first_parting([first], [first, second]) == Parting("", said)
    assert first_parting([], []) is None


def test_what_happens_to_requests_is_apart_from_what_is_thought_of_servers() -> None:
    wire = Wire(lambda: 1.0)
    decisions = Decisions()
    decisions.attach(wire)
    wire.tell(What.SELECT, "lb", 1, 1, "s1", "api", 0)
    wire.tell(What.EJECT, "lb", 0, 0, "s1", "api", "5 failures in a row", 10)
    wire.tell(What.HEALTH, "lb", 0, 0, "s1", "api", 1, "first check passed")
    wire.tell(What.HEALTH, "lb", 0, 0, "s1", "api", 0, "timeout")
    wire.tell(What.ANSWER, "web", 1, 1, 200, 2, 10, "s1")
    assert [each.what for each in decisions.picks] == [What.SELECT]
    assert [each.what for each in decisions.verdicts] == [What.EJECT, What.HEALTH]
    assert not set(PICKS) & set(VERDICTS)
