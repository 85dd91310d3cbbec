"""Addresses, ports that may be flags, and networks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_lb.config.kinds import Kind, Refused
from trio_lb.config.net_kinds import FlagOrPort, Network, Place
from trio_lb.config.values import Loose
from trio_lb.model.address import Address


@pytest.mark.parametrize(
    ("kind", "raw", "value"),
    [
        (Place(), "http://h:1", Address("h", 1)),
        (Place(), "https://h", Address("h", 443)),
        (Place(), Address("h", 1), Address("h", 1)),
        (Place(bind=True), ":1", Address("0.0.0.0", 1)),
        (Network(), "10.0.0.0/8", "10.0.0.0/8"),
        (Network(), "::1", "::1"),
        (FlagOrPort(), True, True),
        (FlagOrPort(), 8443, 8443),
        (FlagOrPort(), Loose("false"), False),
        (FlagOrPort(), Loose("8443"), 8443),
    ],
)
def test_a_value_is_read(kind: Kind, raw: object, value: object) -> None:
    read = kind.read(raw)
    assert (read, type(read)) == (value, type(value))


@pytest.mark.parametrize(
    ("kind", "raw", "message"),
    [
        (Place(), 80, "80 is not an address (host:port, [::1]:80, unix:/path or http://host:port)"),
        (Place(), "h:0", "'h:0' has the port 0, which is not in 1..65535"),
        (Place(), Address("h", 0), "'h:0' has the port 0, which is not in 1..65535"),
        (
            Network(),
            "10.0.0.1/8",
            "'10.0.0.1/8' is not a network (10.0.0.0/8, ::1/128) or an IP address;"
            " did you mean '10.0.0.0/8'?",
        ),
        (Network(), 5, "5 is not a network (10.0.0.0/8, ::1/128) or an IP address"),
        (FlagOrPort(), 0, "0 is not true, false or a port in 1..65535"),
        (FlagOrPort(), "443", "'443' is not true, false or a port in 1..65535"),
        (FlagOrPort(), Loose("70000"), "70000 is not true, false or a port in 1..65535"),
        (FlagOrPort(), 443.0, "443.0 is not true, false or a port in 1..65535"),
    ],
)
def test_a_refusal_says_seen_against_allowed(kind: Kind, raw: object, message: str) -> None:
    with pytest.raises(Refused) as caught:
        kind.read(raw)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "value", [Address("a b", 80), Address("h", 0), Address("unix:x", 0), "h:80"]
)
def test_a_program_has_to_give_an_address_that_can_be_one(value: object) -> None:
    with pytest.raises(Refused):
        Place().check(value)


def test_what_is_inside_the_process_needs_no_port() -> None:
    Place().check(Address("app:echo", 0))
    Place(bind=True).check(Address("h", 0))


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text()


@given(
    st.sampled_from([Place(), Place(bind=True), Network(), FlagOrPort()]),
    SCALARS | SCALARS.map(str).map(Loose),
)
def test_what_a_kind_reads_passes_its_own_check_and_all_else_is_refused(
    kind: Kind, raw: object
) -> None:
    try:
        value = kind.read(raw)
    except Refused:
        return
    kind.check(value)
