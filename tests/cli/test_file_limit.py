"""The file limit: raised as far as it goes, and told when that is not far enough."""

import attrs
import pytest

from trio_lb.cli.file_limit import ProcessFileLimit, make_room, needed_descriptors


@attrs.define
class Limit:
    """A process's limit; ``refuses`` makes the system say no."""

    soft: int
    hard: int
    refuses: bool = False

    def get(self) -> tuple[int, int]:
        return self.soft, self.hard

    def raise_to(self, soft: int) -> None:
        if self.refuses:
            raise PermissionError
        assert soft <= self.hard
        self.soft = soft


def test_a_connection_needs_two_and_a_fifth_is_spare() -> None:
    assert needed_descriptors(1000) == 2400


def test_a_limit_that_suffices_is_left_alone() -> None:
    limit = Limit(2400, 5000)
    assert make_room(1000, limit) is None
    assert limit.soft == 2400


def test_a_low_limit_is_raised_to_what_is_needed_and_no_further() -> None:
    limit = Limit(1024, 5000)
    assert make_room(1000, limit) is None
    assert limit.soft == 2400


@pytest.mark.parametrize("refuses", [False, True])
def test_a_limit_that_stays_low_is_told_with_the_numbers(refuses: bool) -> None:
    limit = Limit(1200, 1200, refuses)
    assert make_room(1000, limit) == (
        "file limit: 1200 descriptors (hard limit 1200), but 1000 connections may need 2400; "
        "beyond about 500 connections some are answered 503, or wait. "
        "Raise it (ulimit -Hn 2400, LimitNOFILE=2400) or lower --max-connections"
    )


def test_it_is_raised_up_to_the_hard_limit_when_that_is_not_enough() -> None:
    limit = Limit(256, 1200)
    assert "1200 descriptors" in (make_room(1000, limit) or "")
    assert limit.soft == 1200


def test_the_process_has_a_limit_that_can_be_set_to_what_it_is() -> None:
    limit = ProcessFileLimit()
    soft, hard = limit.get()
    assert 0 < soft <= hard
    limit.raise_to(soft)
    assert limit.get() == (soft, hard)
