"""Algorithms are found by any of their spellings, and never replaced in silence."""

import sys
from pathlib import Path

import attrs
import pytest

from tests.policy.balance.pool import picks, pool_of
from trio_lb.config.schema import PoolConfig
from trio_lb.model.errors import ConfigError
from trio_lb.policy.balance.base import DEFAULT, BalanceSettings, Settings
from trio_lb.policy.balance.least_response_time import LeastResponseTime
from trio_lb.policy.balance.peak_ewma import PeakEwma
from trio_lb.policy.balance.registry import ALGORITHMS, canonical_name, make_balancer


@pytest.mark.parametrize("name", ALGORITHMS)
def test_every_listed_name_makes_a_balancer_of_that_name(name: str) -> None:
    assert make_balancer(name).name == name


def test_the_list_holds_them_all() -> None:
    assert ALGORITHMS == (
        "round_robin",
        "weighted_round_robin",
        "random",
        "weighted_random",
        "least_connections",
        "power_of_two",
        "least_response_time",
        "peak_ewma",
        "ip_hash",
        "consistent_hash",
        "maglev",
        "rendezvous",
    )


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("round-robin", "round_robin"),
        ("least-connections", "least_connections"),
        ("leastConnections", "least_connections"),
        ("weighted-round-robin", "weighted_round_robin"),
        ("RoundRobin", "round_robin"),
        ("ROUND_ROBIN", "round_robin"),
        ("weighted", "weighted_random"),
        ("ip-hash", "ip_hash"),
        ("least-response-time", "least_response_time"),
        ("peakEwma", "peak_ewma"),
        ("consistentHash", "consistent_hash"),
        (" random ", "random"),
    ],
)
def test_other_spellings_are_accepted(spelling: str, name: str) -> None:
    assert canonical_name(spelling) == name


def test_settings_reach_the_algorithms_that_have_them() -> None:
    settings = Settings(
        hash_balance_factor=None,
        response_time_window=5.0,
        response_time_samples=2,
        ewma_decay=3.0,
    )
    assert [make_balancer(name, settings).tracks for name in ("maglev", "rendezvous")] == [
        False
    ] * 2
    ewma = make_balancer("peak_ewma", settings)
    assert isinstance(ewma, PeakEwma)
    assert ewma._decay == 3.0
    least = make_balancer("least_response_time", settings)
    assert isinstance(least, LeastResponseTime)
    assert (least._times._window, least._times._most) == (5.0, 2)


def test_a_pool_s_configuration_is_settings_with_the_same_defaults() -> None:
    config: BalanceSettings = PoolConfig(name="api")
    assert {name: getattr(config, name) for name in attrs.asdict(DEFAULT)} == attrs.asdict(DEFAULT)


def test_a_misspelt_name_is_answered_with_the_nearest_one() -> None:
    with pytest.raises(
        ConfigError, match=r"'round_robbin' is unknown; did you mean 'round_robin'\?"
    ):
        make_balancer("round_robbin")


@pytest.mark.parametrize("name", ["", "xyz"])
def test_a_name_like_no_other_is_answered_with_the_list(name: str) -> None:
    with pytest.raises(ValueError, match=r"known are round_robin, weighted_round_robin, random"):
        make_balancer(name)


def test_each_pool_gets_a_position_of_its_own() -> None:
    assert make_balancer("round_robin") is not make_balancer("round_robin")


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package in the path that enters three algorithms, one of them broken."""
    module = tmp_path / "someones_algorithms.py"
    module.write_text(
        "def last(candidates, context):\n"
        "    return candidates[-1]\n"
        "class Second:\n"
        "    def select(self, candidates, context):\n"
        "        return candidates[1]\n"
        "seven = 7\n"
    )
    metadata = tmp_path / "someones_algorithms-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: someones\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        "[trio_lb.algorithms]\n"
        "last-of-all = someones_algorithms:last\n"
        "Second = someones_algorithms:Second\n"
        "seven = someones_algorithms:seven\n"
        "gone = someones_algorithms:gone\n"
        "random = someones_algorithms:last\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "someones_algorithms", raising=False)


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(("name", "picked"), [("last-of-all", "ccc"), ("Second", "bbb")])
def test_an_installed_package_s_algorithm_is_found_by_its_name(name: str, picked: str) -> None:
    balancer = make_balancer(name)
    assert canonical_name(name) == balancer.name == name
    assert picks(balancer, pool_of("abc"), 3) == picked


@pytest.mark.usefixtures("installed")
def test_no_package_takes_a_name_of_ours() -> None:
    assert set(picks(make_balancer("random"), pool_of("abc"), 50)) == set("abc")


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("gone", "'gone' cannot be loaded from 'someones_algorithms:gone': AttributeError"),
        ("seven", "'seven' is neither a name, a callable, nor an object with select"),
    ],
)
def test_an_entry_that_leads_nowhere_is_refused_and_named(name: str, text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        make_balancer(name)
