"""One server's columns follow what it tells."""

from trio_lb.sim.report.grid import Grid
from trio_lb.sim.report.per_server import PerServer


def test_a_queue_grows_with_heads_and_shrinks_with_service() -> None:
    server = PerServer("s1", Grid(1.0, 4))
    server.take(0, 0)
    server.begin(0, 0)
    server.take(0, 1)
    server.take(1, 2)
    server.leave(2, failed=False)
    server.begin(2, 1_000_000)
    server.leave(3, failed=True)
    server.fill(4)
    assert server.taken == [2, 1, 0, 0, 0]
    assert server.failed == [0, 0, 0, 1, 0]
    assert server.present.peaks == [2, 3, 3, 2, 1]
    assert server.queued.peaks == [1, 2, 2, 1, 1]


def test_answers_to_what_was_never_told_of_do_not_make_it_negative() -> None:
    server = PerServer("s1", Grid(1.0, 1))
    server.leave(0, failed=False)
    assert server.present.level == 0
