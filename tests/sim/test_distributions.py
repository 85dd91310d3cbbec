"""Distributions: their means and percentiles, their data, and what they take from a stream."""

import json
import math
import random
from collections.abc import Callable
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trio_lb.model.errors import ConfigError
from trio_lb.sim.chance import derive_rng
from trio_lb.sim.distributions import (
    DISTRIBUTIONS,
    Choice,
    Distribution,
    Exponential,
    Fixed,
    Lognormal,
    Pareto,
    Uniform,
    Zipf,
    read_distribution,
    to_data,
    unit_exponential,
)

DRAWS: Final = 4000
SIGMAS: Final = 6.0

amounts = st.floats(0.001, 1e6)


def ordered(make: Callable[[float, float], Distribution]) -> st.SearchStrategy[Distribution]:
    return st.tuples(amounts, st.floats(1, 50)).map(lambda pair: make(pair[0], pair[0] * pair[1]))


parts: st.SearchStrategy[Distribution] = st.one_of(
    st.builds(Fixed, amounts),
    ordered(Uniform),
    st.builds(Exponential, amounts),
    ordered(Lognormal),
    st.builds(
        lambda low, shape, ratio: Pareto(low, shape, low * ratio),
        amounts,
        st.one_of(st.just(1.0), st.floats(0.1, 10)),
        st.floats(1, 50),
    ),
    st.builds(Zipf, st.integers(1, 500), st.floats(0, 3)),
)
distributions = st.one_of(
    parts,
    st.lists(st.tuples(parts, st.floats(0.1, 10)), min_size=1, max_size=4).map(
        lambda rows: Choice(tuple(rows))
    ),
)
laws = settings(derandomize=True, max_examples=60)
"""The same examples each time: what chance allows once in a billion must not turn up some day."""


def draws(distribution: Distribution, seed: int = 7, many: int = DRAWS) -> list[float]:
    rng = derive_rng(seed, "draws")
    return [distribution.draw(rng) for _ in range(many)]


@laws
@given(distributions, st.integers(0, 9))
def test_the_mean_of_many_draws_is_the_mean(distribution: Distribution, seed: int) -> None:
    drawn = draws(distribution, seed)
    mean = math.fsum(drawn) / DRAWS
    error = math.sqrt(math.fsum((each - mean) ** 2 for each in drawn) / DRAWS / DRAWS)
    assert abs(mean - distribution.mean) <= SIGMAS * error + 1e-9 * distribution.mean


@laws
@given(ordered(Lognormal), st.integers(0, 9))
def test_half_of_a_lognormal_is_within_p50_and_one_percent_beyond_p99(
    lognormal: Lognormal, seed: int
) -> None:
    drawn = draws(lognormal, seed)
    if lognormal.p99 > lognormal.p50 * 1.001:
        within = sum(each <= lognormal.p50 for each in drawn)
        beyond = sum(each > lognormal.p99 for each in drawn)
        assert abs(within - DRAWS / 2) <= SIGMAS * math.sqrt(DRAWS / 4)
        assert abs(beyond - DRAWS / 100) <= SIGMAS * math.sqrt(DRAWS * 0.01 * 0.99)


@laws
@given(distributions)
def test_the_same_stream_gives_the_same_draws_and_all_are_at_least_zero(
    distribution: Distribution,
) -> None:
    drawn = draws(distribution, many=50)
    assert drawn == draws(distribution, many=50)
    assert min(drawn) >= 0.0


@laws
@given(distributions)
def test_plain_data_round_trips_through_json(distribution: Distribution) -> None:
    data = to_data(distribution)
    assert read_distribution(json.loads(json.dumps(data))) == distribution
    assert to_data(read_distribution(data)) == data


@laws
@given(ordered(Uniform), st.integers(0, 99))
def test_a_uniform_stays_within_its_bounds(uniform: Uniform, seed: int) -> None:
    drawn = draws(uniform, seed, 100)
    assert uniform.low <= min(drawn) <= max(drawn) <= uniform.high


@pytest.mark.parametrize("shape", [0.05, 0.5, 1.0, 1.5, 100.0])
def test_a_pareto_never_exceeds_its_cap_and_does_not_heap_up_there(shape: float) -> None:
    pareto = Pareto(1.0, shape, 1000.0)
    drawn = draws(pareto)
    assert min(drawn) >= 1.0
    assert sum(each == 1000.0 for each in drawn) == 0


def test_the_mean_of_a_pareto_is_smooth_where_its_formula_divides_by_zero() -> None:
    means = [Pareto(1.0, shape, 1000.0).mean for shape in (1 - 1e-12, 1.0, 1 + 1e-12)]
    assert means == pytest.approx([1000 / 999 * math.log(1000)] * 3, rel=1e-9)
    assert Pareto(5.0, 2.0, 5.0).mean == 5.0


def test_von_neumanns_exponential_has_the_shares_of_the_exponential() -> None:
    rng = derive_rng(3, "unit")
    drawn = [unit_exponential(rng) for _ in range(20_000)]
    for bound in (0.1, 0.5, 1.0, 2.0, 4.0):
        share = math.exp(-bound)
        seen = sum(each > bound for each in drawn)
        assert abs(seen - 20_000 * share) <= SIGMAS * math.sqrt(20_000 * share * (1 - share))


def test_golden_draws_are_the_same_in_every_process() -> None:
    rng = derive_rng(7, "golden")
    exact: list[Distribution] = [Uniform(1, 2), Exponential(3), Choice([(1, 1), (2, 3)]), Zipf(100)]
    assert [each.draw(rng) for each in exact] == [1.1941742517447371, 0.26328950225489944, 2, 12.0]


def test_the_first_keys_of_a_zipf_are_drawn_by_their_shares() -> None:
    rng, zipf = derive_rng(7, "keys"), Zipf(100, 1.0)
    total = sum(1 / k for k in range(1, 101))
    keys = [zipf.draw_index(rng) for _ in range(10_000)]
    for key in (0, 1, 9):
        share = 1 / (key + 1) / total
        seen = keys.count(key)
        assert abs(seen - 10_000 * share) <= SIGMAS * math.sqrt(10_000 * share * (1 - share))
    assert 0 <= min(keys) <= max(keys) < 100


def test_an_exponent_of_zero_prefers_no_key() -> None:
    assert Zipf(5, 0).mean == 2.0


def test_a_longer_tail_leaves_the_quick_half_of_a_lognormal_quick() -> None:
    short, long = draws(Lognormal(1.0, 2.0)), draws(Lognormal(1.0, 20.0))
    assert [a <= 1.0 for a in short] == [b <= 1.0 for b in long]
    assert all(b >= a for a, b in zip(short, long, strict=True) if a > 1.0)


def test_a_fixed_value_takes_nothing_from_the_stream() -> None:
    rng = random.Random(1)
    before = rng.getstate()
    assert (Fixed(4.0).draw(rng), rng.getstate() == before) == (4.0, True)


def test_another_stream_changes_no_draw() -> None:
    alone = draws(Exponential(1.0), many=20)
    rng, other = derive_rng(7, "draws"), derive_rng(7, "others")
    beside = []
    for _ in range(20):
        Lognormal(1.0, 3.0).draw(other)
        beside.append(Exponential(1.0).draw(rng))
    assert beside == alone


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (0.012, Fixed(0.012)),
        ("80ms", Fixed(0.08)),
        ("32KiB", Fixed(32768)),
        ("10m", Fixed(600)),
        ({"fixed": 3}, Fixed(3)),
        ({"lognormal": {"p50": 0.012, "p99": "80ms"}}, Lognormal(0.012, 0.08)),
        (
            {"choice": [["1KiB", 9], [{"exponential": 5}, 1]]},
            Choice(((1024, 9), (Exponential(5), 1))),
        ),
    ],
)
def test_people_write_amounts_with_units(data: object, value: Distribution) -> None:
    assert read_distribution(data) == value


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (-1, "service: -1 is not >= 0"),
        (float("nan"), "service: nan is not >= 0"),
        ("soon", "service: 'soon' is not an amount (0.012, 80ms, 32KiB)"),
        ({"lognorml": {}}, "service.lognorml: unknown distribution; did you mean 'lognormal'?"),
        ({"uniform": {"low": 3, "high": 2}}, "service.uniform: 3.0 is more than high, 2.0"),
        ({"lognormal": {"p50": 3, "p99": 2}}, "service.lognormal: 2.0 is less than p50, 3.0"),
        (
            {"lognormal": {"p50": 1, "p99": 2e6}},
            "service.lognormal: 2000000.0 is more than a million times p50",
        ),
        ({"pareto": {"low": 2, "shape": 1, "cap": 1}}, "service.pareto: 2.0 is more than cap, 1.0"),
        ({"zipf": 0}, "service.zipf: 0 is not in 1..1000000"),
        ({"choice": [[1, 0]]}, "service.choice[0][1]: 0 is not > 0"),
        (
            {"choice": [[{"exponential": -1}, 1]]},
            "service.choice[0][0].exponential: -1 is not >= 0",
        ),
    ],
)
def test_a_refusal_says_path_seen_and_allowed(data: object, problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_distribution(data, "service")
    assert str(caught.value) == problem


def test_a_choice_within_a_choice_is_refused_from_data_and_by_hand() -> None:
    with pytest.raises(ConfigError, match="unknown distribution"):
        read_distribution({"choice": [[{"choice": [[1, 1]]}, 1]]})
    with pytest.raises(ConfigError, match="is not a distribution other than choice"):
        Choice([(Choice([(1, 1)]), 1)])


def test_every_kind_is_drawn_in_the_laws() -> None:
    assert [*DISTRIBUTIONS] == [
        "fixed",
        "uniform",
        "exponential",
        "lognormal",
        "pareto",
        "zipf",
        "choice",
    ]
