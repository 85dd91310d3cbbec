"""Who is let in: the most specific entry decides, and a denial breaks a tie."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_lb.policy.access import AccessList


@pytest.mark.parametrize(
    ("allow", "deny", "host", "let_in"),
    [
        ((), (), "203.0.113.9", True),
        (("10.0.0.0/8",), (), "10.1.2.3", True),
        (("10.0.0.0/8",), (), "203.0.113.9", False),
        ((), ("203.0.113.0/24",), "203.0.113.9", False),
        ((), ("203.0.113.0/24",), "203.0.114.9", True),
        (("10.0.0.0/8",), ("10.0.0.5",), "10.0.0.5", False),
        (("10.0.0.0/8",), ("10.0.0.5",), "10.0.0.6", True),
        (("10.1.0.0/16",), ("10.0.0.0/8",), "10.1.0.1", True),
        (("10.1.0.0/16",), ("10.0.0.0/8",), "10.2.0.1", False),
        (("10.0.0.0/8",), ("10.0.0.0/8",), "10.0.0.1", False),
        (("::1",), (), "::1", True),
        (("::1",), (), "127.0.0.1", False),
        (("192.0.2.0/24",), (), "::ffff:192.0.2.7", True),
        ((), ("fe80::/10",), "fe80::1%eth0", False),
    ],
)
def test_the_most_specific_entry_decides(
    allow: tuple[str, ...], deny: tuple[str, ...], host: str, let_in: bool
) -> None:
    assert AccessList(allow, deny).permits(host) is let_in


@pytest.mark.parametrize("host", ["", "unix", "app:7"])
def test_a_client_without_an_ip_address_is_let_in(host: str) -> None:
    assert AccessList(allow=["10.0.0.0/8"]).permits(host)


networks = st.builds(
    lambda address, bits: str(ipaddress.ip_network((address, bits), strict=False)),
    st.integers(0, 2**32 - 1),
    st.integers(0, 32),
)


@given(
    st.lists(networks, max_size=6), st.lists(networks, max_size=6), st.ip_addresses(v=4).map(str)
)
def test_law_the_order_of_the_lists_does_not_matter_and_none_but_the_nearest_entry_counts(
    allow: list[str], deny: list[str], host: str
) -> None:
    address = ipaddress.ip_address(host)

    def nearest(entries: list[str]) -> int:
        holds = [each for each in map(ipaddress.ip_network, entries) if address in each]
        return max((each.prefixlen for each in holds), default=-1)

    allowed, denied = nearest(allow), nearest(deny)
    expected = not allow if allowed == denied == -1 else allowed > denied
    assert AccessList(allow, deny).permits(host) is expected
    assert AccessList(allow[::-1], deny[::-1]).permits(host) is expected
