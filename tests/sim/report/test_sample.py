"""Lives are kept for a reason, and forgotten without one."""

from hypothesis import given
from hypothesis import strategies as st

from trio_lb.sim.happening import Happening, What
from trio_lb.sim.report.sample import MOST_STEPS, RECENT, Life, Sample, spread


def live(sample: Sample, req: int, *, bucket: int = 0, ns: int = 1, reason: str = "") -> None:
    """One request from ARRIVE to DONE."""
    sample.begin(Happening(float(bucket), What.ARRIVE, "web", 0, req, ("GET",)))
    finish(sample, req, bucket=bucket, ns=ns, reason=reason)


def finish(sample: Sample, req: int, *, bucket: int = 0, ns: int = 1, reason: str = "") -> None:
    values = (int(not reason), 1, ns, reason)
    sample.done(bucket, Happening(bucket + 0.5, What.DONE, "web", 0, req, values))


def numbers(lives: list[Life]) -> list[int]:
    return [life.req for life in lives]


def test_the_slowest_of_a_bucket_takes_the_place_of_a_faster_one() -> None:
    sample = Sample()
    for req, ns in ((1, 5), (2, 9), (3, 7), (4, 8)):
        live(sample, req, ns=ns)
    assert numbers(sample.chosen()) == [1, 2], "1 is the first of all good ones"


def test_the_first_failure_of_each_bucket_and_of_each_reason_is_kept() -> None:
    sample = Sample()
    for req, (bucket, reason) in enumerate(
        [(0, "reset"), (0, "timeout"), (0, "reset"), (1, "reset")], 1
    ):
        live(sample, req, bucket=bucket, ns=1, reason=reason)
    assert numbers(sample.chosen()) == [1, 2, 4]


def test_whoever_a_check_objected_to_is_kept_even_shortly_after_the_fact() -> None:
    sample = Sample()
    for req in range(1, RECENT + 3):
        live(sample, req, ns=100 - req)
    sample.keep(40)
    assert numbers(sample.chosen()) == [1, 40]


def test_what_nobody_holds_is_forgotten_and_no_longer_listened_to() -> None:
    sample = Sample()
    for req in range(1, 1000):
        live(sample, req, ns=1)
    assert len(sample.living) <= RECENT + 1


def test_a_request_that_is_not_over_can_be_kept_too() -> None:
    sample = Sample()
    sample.begin(Happening(0.0, What.ARRIVE, "web", 0, 7, ("GET",)))
    sample.keep(7)
    assert [(life.req, life.ns) for life in sample.chosen()] == [(7, -1)]


def test_a_life_has_no_more_steps_than_a_page_can_show() -> None:
    life = Life(1, 0.0, [])
    for number in range(MOST_STEPS + 50):
        life.add(Happening(float(number), What.TRY, "web", 0, 1, (number, "GET")))
    assert len(life.steps) == MOST_STEPS


@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.integers(0, 50), st.sampled_from(["", "", "reset", "503"])),
        max_size=150,
    )
)
def test_what_is_kept_is_bounded_and_holds_each_bucket_s_worst(
    requests: list[tuple[int, int, str]],
) -> None:
    sample = Sample()
    ordered = sorted(requests, key=lambda request: request[0])
    for req, (bucket, ns, reason) in enumerate(ordered, 1):
        live(sample, req, bucket=bucket, ns=ns, reason=reason)
    found = {life.req: life for life in sample.chosen()}
    for bucket in range(6):
        here = [(ns, req) for req, (where, ns, _) in enumerate(ordered, 1) if where == bucket]
        if here:
            slowest = max(here, key=lambda each: (each[0], -each[1]))
            assert slowest[1] in found
    assert len(sample.living) <= RECENT + 2 * 6 + 3
    assert numbers(sample.chosen(limit=5)) == sorted(numbers(sample.chosen(limit=5)))
    assert len(sample.chosen(limit=5)) <= 5


def test_a_few_are_spread_from_the_first_to_the_last() -> None:
    lives = [Life(req, 0.0, []) for req in range(100)]
    assert numbers(spread(lives, 4)) == [0, 25, 50, 75]
    assert spread(lives, 100) == lives
