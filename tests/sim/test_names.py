"""Names, and a resolver that can be wrong, slow or silent about them."""

import pytest
import trio

from trio_lb.net.env import ConnectError
from trio_lb.sim.names import Entry, Names, TemporaryFailure
from trio_lb.sim.network import VirtualNetwork


@pytest.fixture
def names() -> Names:
    made = Names()
    made.entry("api").addresses = ("10.0.0.8", "10.0.0.9")
    return made


def test_one_knows_localhost_from_the_begin() -> None:
    assert Names().look_up("localhost") == ["127.0.0.1"]


def test_an_unknown_name_is_unknown_also_after_it_was_asked_about(names: Names) -> None:
    names.entry("nobody")
    for name in ("nobody", "nobody.else"):
        with pytest.raises(ConnectError, match=f"{name}: name is not known"):
            names.look_up(name)


def test_what_is_added_comes_last_and_what_is_removed_is_gone(names: Names) -> None:
    entry = names.entry("api")
    entry.added = ("10.0.0.7", "10.0.0.8")
    entry.removed = ("10.0.0.9",)
    assert names.look_up("api") == ["10.0.0.8", "10.0.0.7"]
    entry.removed = ("10.0.0.7", "10.0.0.8", "10.0.0.9")
    with pytest.raises(ConnectError):
        names.look_up("api")


def test_a_stale_resolver_keeps_to_its_answer_while_the_truth_changes(names: Names) -> None:
    entry = names.entry("api")
    entry.freeze()
    entry.addresses, entry.is_unknown = ("10.0.0.7",), True
    assert names.look_up("api") == ["10.0.0.8", "10.0.0.9"]
    entry.thaw()
    entry.is_unknown = False
    assert names.look_up("api") == ["10.0.0.7"]


def test_servfail_is_not_nxdomain(names: Names) -> None:
    names.entry("api").is_failing = True
    with pytest.raises(TemporaryFailure, match="api: temporary failure"):
        names.look_up("api")
    names.entry("api").is_failing = False
    names.entry("api").is_unknown = True
    with pytest.raises(ConnectError) as caught:
        names.look_up("api")
    assert type(caught.value) is ConnectError
    assert Entry().truth() == ()


async def test_a_slow_resolver_takes_its_time_and_then_tells_the_truth_of_then(
    net: VirtualNetwork, nursery: trio.Nursery
) -> None:
    net.set_name("api", ["10.0.0.8"])
    net.names.entry("api").delay_seconds = 5.0

    async def change() -> None:
        await trio.sleep(4)
        net.set_name("api", ["10.0.0.9"])

    nursery.start_soon(change)
    assert await net.host("a").resolve("api") == ["10.0.0.9"]
    assert trio.current_time() == 5.0
    assert await net.host("a").resolve("10.0.0.1") == ["10.0.0.1"]
    assert trio.current_time() == 5.0, "a literal needs no resolver"
