"""Names: of algorithms in each spelling, of servers and pools."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from trio_lb.config.choices import (
    ALGORITHM,
    FAIL_OPEN,
    HASH_KEY,
    POOL_NAME,
    PROXY_IN,
    PROXY_OUT,
    SERVER_ID,
    TLS_VERSION,
    algorithm_names,
)
from trio_lb.config.kinds import Choice, NotYet, Refused
from trio_lb.config.schema import PoolConfig
from trio_lb.config.values import Loose
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


def test_an_unknown_algorithm_is_refused_with_the_known_ones() -> None:
    with pytest.raises(Refused) as caught:
        ALGORITHM.read("fastest-of-all")
    assert str(caught.value) == (
        f"'fastest-of-all' is no algorithm; allowed: {', '.join(ALGORITHMS)}"
    )


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


@pytest.mark.parametrize(
    ("kind", "raw", "name"),
    [
        (FAIL_OPEN, True, "true"),
        (FAIL_OPEN, False, "false"),
        (FAIL_OPEN, "auto", "auto"),
        (FAIL_OPEN, Loose("false"), "false"),
        (PROXY_IN, True, "any"),
        (PROXY_IN, False, "off"),
        (PROXY_OUT, True, "v1"),
        (PROXY_OUT, Loose("true"), "v1"),
        (PROXY_OUT, "V2", "v2"),
        (TLS_VERSION, 1.2, "1.2"),
        (TLS_VERSION, "TLSv1.3", "1.3"),
    ],
)
def test_true_false_and_versions_may_be_written_plainly(
    kind: Choice, raw: object, name: str
) -> None:
    assert kind.read(raw) == name


@pytest.mark.parametrize("key", ["client_ip", "path", "header:X-User"])
def test_a_hash_key_is_one_of_three_forms(key: str) -> None:
    assert HASH_KEY.read(key) == key
    with pytest.raises(Refused, match="client_ip, path or header:NAME"):
        HASH_KEY.read(f"{key}:")


class Mine:
    def select(self, candidates: Sequence[object], context: object) -> object:
        return candidates[0]


def test_a_program_may_give_an_algorithm_itself() -> None:
    mine = Mine()
    assert [ALGORITHM.read(each) for each in (mine, Mine, max)] == [mine, Mine, max]
    assert PoolConfig(algorithm=mine).algorithm is mine


@pytest.mark.parametrize("nothing", [5, None, [], {}, object()])
def test_what_is_neither_a_name_nor_code_is_no_algorithm(nothing: object) -> None:
    with pytest.raises(Refused, match="is no algorithm"):
        ALGORITHM.read(nothing)


def test_an_algorithm_that_a_package_has_entered_goes_by_its_own_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = tmp_path / "mine-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[trio_lb.algorithms]\nmy-own = mine:pick\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert ALGORITHM.read("my-own") == "my-own"
    assert PoolConfig(algorithm="my-own").algorithm == "my-own"
    with pytest.raises(Refused, match="'my-other' is no algorithm"):
        ALGORITHM.read("my-other")
