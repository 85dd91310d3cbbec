"""Names: of algorithms in each spelling, of servers and pools."""

import pytest

from trio_lb.config.choices import ALGORITHM, POOL_NAME, SERVER_ID, algorithm_names
from trio_lb.config.kinds import NotYet, Refused
from trio_lb.policy.balance.registry import ALGORITHMS, canonical_name


def test_the_algorithms_are_those_that_exist() -> None:
    assert set(algorithm_names()) == set(ALGORITHMS)


@pytest.mark.parametrize("name", ALGORITHMS)
def test_each_algorithm_may_be_spelt_with_hyphens_or_humps(name: str) -> None:
    first, *rest = name.split("_")
    spellings = [name, name.replace("_", "-"), first + "".join(map(str.title, rest)), name.upper()]
    assert [ALGORITHM.read(each) for each in spellings] == [name] * 4


def test_an_alias_means_the_same_as_for_the_registry() -> None:
    assert ALGORITHM.read("weighted") == canonical_name("weighted") == "weighted_random"


@pytest.mark.parametrize("name", ["geo", "geo-based", "geoAware"])
def test_an_algorithm_that_is_planned_is_told_so(name: str) -> None:
    with pytest.raises(NotYet, match="not supported in this version"):
        ALGORITHM.read(name)


def test_nothing_that_is_planned_exists_already() -> None:
    assert {"geo", "geo_based", "geo_aware"} & set(ALGORITHMS) == set()


@pytest.mark.parametrize("name", ["", "a b", "a\tb", "ä", "x" * 256])
def test_a_name_has_to_fit_into_a_header(name: str) -> None:
    for kind in (SERVER_ID, POOL_NAME):
        with pytest.raises(Refused):
            kind.read(name)


def test_a_pool_s_name_leaves_the_slash_to_pool_slash_server() -> None:
    assert SERVER_ID.read("unix:/run/a.sock") == "unix:/run/a.sock"
    with pytest.raises(Refused):
        POOL_NAME.read("a/b")
