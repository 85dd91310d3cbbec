"""The narrow place: pieces leave one after the other, and a full queue costs a retransmission."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from trio_lb.sim.bottleneck import Bottleneck


def test_pieces_leave_one_after_the_other() -> None:
    narrow = Bottleneck()
    left = [narrow.leaves(at, size, 100.0) for at, size in ((0.0, 50), (0.0, 100), (9.0, 100))]
    assert left == [0.5, 1.5, 10.0]


def test_what_finds_no_room_comes_again_after_200_600_1400_ms() -> None:
    narrow = Bottleneck()
    assert [narrow.leaves(0.0, 100, 100.0, 200) for _ in range(2)] == [1.0, 2.0]
    # 200 bytes wait. There is room for 100 more after a second: the third try comes at 1.4 s.
    assert narrow.leaves(0.0, 100, 100.0, 200) == 3.0
    assert narrow.leaves(0.9, 100, 100.0, 200) == 4.0, "tries at 0.9, 1.1, 1.5 and 2.3 s"


def test_a_loss_leaves_the_line_to_those_who_come_meanwhile() -> None:
    narrow = Bottleneck()
    assert narrow.leaves(0.0, 100, 1000.0, 100) == 0.1
    assert narrow.leaves(0.05, 100, 1000.0, 100) == 0.25 + 0.1, "lost, and sent again at 0.25 s"
    assert narrow.leaves(0.125, 50, 1000.0, 100) == 0.175, "before it"
    assert narrow.leaves(0.1875, 150, 1000.0, 100) == 0.5, "no 150 ms are free before 0.35 s"


def test_more_than_the_queue_s_length_waits_until_it_is_empty() -> None:
    narrow = Bottleneck()
    narrow.leaves(0.0, 10, 100.0, 10)
    assert narrow.leaves(0.0, 1000, 100.0, 10) == 0.2 + 10.0


pieces = st.lists(st.tuples(st.integers(0, 40), st.integers(1, 20)), min_size=1, max_size=40)


@given(pieces, st.one_of(st.none(), st.integers(5, 100)))
def test_the_line_is_never_busy_with_two_pieces(
    given_pieces: list[tuple[int, int]], queue_bytes: int | None
) -> None:
    # Times in eighths of a second at 8 bytes a second: a byte takes one of them.
    narrow = Bottleneck()
    spans = []
    for eighth, size in sorted(given_pieces):
        left = narrow.leaves(eighth / 8, size, 8.0, queue_bytes)
        assert left >= (eighth + size) / 8
        spans.append((left - size / 8, left))
    spans.sort()
    for (_, end), (begin, _) in itertools.pairwise(spans):
        assert end <= begin + 1e-9
