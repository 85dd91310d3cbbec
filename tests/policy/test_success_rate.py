"""Success rates read off counters: exact since the first failure, and free for who is well."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from trio_lb.config.resilience import OutlierConfig
from trio_lb.policy.success_rate import BUCKETS, Rate, SuccessRates

INTERVAL = 10.0


class Server:
    """One server ``a`` whose successes are counted as a pool counts them."""

    def __init__(self, success_rate: float | None = 0.5) -> None:
        self.successes = Counter[str]()
        self.reads = 0
        self.rates = SuccessRates(OutlierConfig(success_rate=success_rate), self.read)

    def read(self, server_id: str) -> int:
        self.reads += 1
        return self.successes[server_id]

    def rate(self, now: float) -> Rate | None:
        return self.rates.rate("a", now)

    def serve(self, now: float, word: str) -> None:
        """Let requests end at ``now``: F failed, S succeeded."""
        for letter in word:
            if letter == "F":
                self.rates.fail("a", now)
            else:
                self.successes["a"] += 1


def test_a_rate_begins_with_the_first_failure() -> None:
    server = Server()
    server.serve(0.0, "SSSSSSSSSS")
    assert server.rate(0.0) is None
    server.serve(0.5, "F")
    assert server.rate(0.5) == Rate(0, 1)
    server.serve(3.0, "SSSF")
    assert server.rate(3.0) == Rate(3, 5)
    assert str(server.rate(3.0)) == "3 of 5 requests went well"


def test_it_looks_back_over_the_interval_in_ten_buckets() -> None:
    server = Server()
    server.serve(0.9, "FF")
    server.serve(1.0, "SF")
    server.serve(9.9, "SS")
    assert server.rate(9.999) == Rate(3, 6)
    assert server.rate(10.0) == Rate(2, 3), "the bucket of the first second is gone"
    assert server.rate(11.0) is None


def test_poor_is_below_the_share_and_convincing_takes_the_minimum() -> None:
    rates = SuccessRates(OutlierConfig())
    assert [rates.is_poor(Rate(n, 20)) for n in (9, 10)] == [True, False], "half is enough"
    assert rates.is_poor(Rate(0, 1)), "one failure alone is no model for others"
    assert [rates.convicts(Rate(9, n)) for n in (19, 20)] == [False, True]
    assert not rates.convicts(Rate(10, 20))
    assert (rates.is_poor(None), rates.convicts(None)) == (False, False)


def test_a_failure_is_answered_with_the_rate() -> None:
    server = Server()
    server.serve(1.0, "FSS")
    assert server.rates.fail("a", 1.0) == Rate(2, 4)


def test_who_never_fails_is_never_looked_at() -> None:
    server = Server()
    server.serve(1.0, "S" * 1000)
    assert (server.rate(1.0), server.reads) == (None, 0)


def test_many_failures_cost_one_bucket_a_tenth() -> None:
    server = Server()
    for tenth in range(1000):
        server.serve(tenth / 10, "FF")
    assert len(server.rates._failing["a"]) == BUCKETS
    assert server.rate(99.9) == Rate(0, 200)


def test_forgotten_it_begins_anew() -> None:
    server = Server()
    server.serve(1.0, "FFFF")
    server.rates.forget("a")
    server.serve(1.0, "SF")
    assert server.rate(1.0) == Rate(0, 1)


def test_another_interval_begins_anew_and_other_settings_do_not() -> None:
    server = Server()
    server.serve(1.0, "FF")
    server.rates.configure(OutlierConfig(min_requests=2))
    assert server.rate(1.0) == Rate(0, 2)
    assert server.rates.convicts(Rate(0, 2))
    server.rates.configure(OutlierConfig(interval=60.0))
    assert server.rate(1.0) is None


def test_switched_off_or_without_a_counter_there_are_no_rates() -> None:
    for off in (None, 0.0):
        server = Server(off)
        server.serve(1.0, "F" * 50)
        assert (server.rate(1.0), server.reads) == (None, 0)
    blind = SuccessRates(OutlierConfig())
    assert (blind.fail("a", 1.0), blind.rate("a", 1.0)) == (None, None)


@given(st.lists(st.tuples(st.integers(0, 16), st.booleans()), max_size=80))
def test_law_it_equals_a_count_of_all_results_since_the_first_failure(
    results: list[tuple[int, bool]],
) -> None:
    server, now, seen = Server(), 0.0, list[tuple[float, bool]]()
    for eighths, failed in results:
        now += eighths / 8
        server.serve(now, "F" if failed else "S")
        seen.append((now, failed))
    oldest = int(now) - BUCKETS + 1  # buckets of one second
    lately = [failed for at, failed in seen if at >= oldest]
    expected = lately[lately.index(True) :] if True in lately else []
    rate = server.rate(now)
    assert (rate.requests if rate else 0) == len(expected)
    assert (rate.successes if rate else 0) == expected.count(False)
