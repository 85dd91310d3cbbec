"""Drains: each ends once, when it is due, and only then its pool is asked what comes after."""

from tests.state.books import brief, server
from trio_lb.model.events import Event, ServerRemoved
from trio_lb.state.drains import Drains
from trio_lb.state.server import Server


class Door:
    """Notes whose drain has ended, and says that they are gone."""

    def __init__(self) -> None:
        self.ended: list[tuple[str, float]] = []
        self.drains = Drains(self.on_end)

    def on_end(self, gone: Server, now: float) -> list[Event]:
        self.ended.append((gone.id, now))
        return [ServerRemoved(at=now, pool=gone.pool, server_id=gone.id)]


def bare(number: int) -> Server:
    return Server("api", server(number), None)


def test_an_idle_server_is_done_at_once_and_what_follows_is_told_last() -> None:
    door = Door()
    told = door.drains.start(bare(1), 7.0, 37.0)
    assert brief(told) == ["server_draining s1", "server_drained s1", "server_removed s1"]
    assert (door.ended, door.drains.deadline) == ([("s1", 7.0)], None)


def test_busy_servers_end_at_their_own_limits_in_the_order_of_their_beginning() -> None:
    door, one, two, three = Door(), bare(1), bare(2), bare(3)
    with one.lease(), two.lease(), three.lease():
        for busy, expires_at in ((one, 31.0), (two, None), (three, 31.0)):
            assert brief(door.drains.start(busy, 1.0, expires_at)) == [f"server_draining {busy.id}"]
        assert (door.drains.deadline, door.drains.on_deadline(30.999)) == (31.0, [])
        told = door.drains.on_deadline(31.0)
    assert brief(told)[::2] == ["server_drained s1", "server_drained s3"]
    assert door.ended == [("s1", 31.0), ("s3", 31.0)]
    assert door.drains.deadline is None, "the second one waits for its request only"


def test_a_drain_that_is_called_off_never_ends() -> None:
    door, one = Door(), bare(1)
    with one.lease():
        door.drains.start(one, 1.0, 31.0)
        door.drains.resume(one)
        door.drains.resume(one)
        assert (door.drains.deadline, door.drains.on_deadline(31.0)) == (None, [])
    assert (door.ended, one.drain.is_active) == ([], True)


def test_asking_again_moves_the_limit_and_one_that_is_over_ends_anew() -> None:
    """A drained member that is removed has nothing to wait for, but is told to be gone."""
    door, one = Door(), bare(1)
    with one.lease():
        door.drains.start(one, 1.0, 31.0)
        assert door.drains.start(one, 2.0, 12.0) == []
        assert door.drains.deadline == 12.0
        door.drains.on_deadline(12.0)
    assert brief(door.drains.start(one, 20.0, None)) == ["server_removed s1"]
    assert door.ended == [("s1", 12.0), ("s1", 20.0)]
