"""Habits: what a client sends that has one."""

from trio_lb.sim.actors.asking import Asking, HugeHead, LeavesAfter, SlowBody, SlowHead


def asked(number: int = 1, body: bytes = b"") -> Asking:
    """A request before any habit."""
    return Asking(number, "POST" if body else "GET", "/", "h", body)


def test_without_habits_all_leaves_at_once() -> None:
    asking = asked()
    assert asking.to_bytes() == (
        b"GET / HTTP/1.1\r\nHost: h\r\nUser-Agent: sim/1\r\nAccept: */*\r\n\r\n"
    )
    assert asking.drips_from is None


def test_a_slow_head_is_slow_from_its_first_byte() -> None:
    asking = asked()
    SlowHead(3.0)(asking)
    assert (asking.drips_from, asking.every_seconds) == (0, 3.0)


def test_a_slow_body_begins_behind_the_head() -> None:
    asking = asked(body=b"1 1 1 ")
    SlowBody(3.0)(asking)
    assert asking.to_bytes()[asking.drips_from :] == b"1 1 1 "


def test_who_has_no_body_to_be_slow_with_gets_one() -> None:
    asking = asked(number=7)
    SlowBody(3.0)(asking)
    assert asking.to_bytes()[asking.drips_from :] == (b"7 " * 50)
    assert b"Content-Length: 100\r\n" in asking.head()


def test_a_huge_head_has_at_least_so_many_bytes_in_lines_of_some_kilobytes() -> None:
    asking = asked()
    HugeHead(10_000)(asking)
    head = asking.head()
    assert 10_000 <= len(head) < 10_300
    assert [len(line) for line in head.split(b"\r\n")][4:6] == [4107, 4107]


def test_who_leaves_says_after_how_much() -> None:
    asking = asked()
    LeavesAfter(10)(asking)
    assert asking.leaves_after == 10
