"""Quantities and addresses as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_lb.config import values
from trio_lb.model.address import Address


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("10s", 10.0),
        ("1h", 3600.0),
        ("250ms", 0.25),
        ("7ms", 0.007),
        ("1.5", 1.5),
        ("1m30s", 90.0),
        ("2d", 172800.0),
        ("50us", 0.00005),
        ("0", 0.0),
        ("1e3", 1000.0),
        ("-5s", -5.0),
    ],
)
def test_a_duration_is_read_as_seconds(text: str, seconds: float) -> None:
    assert values.duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "s", "10 s", "1m30", "10S", "ten", "nan", "inf", "1h-5m", "--5", "5weeks", "٣s"]
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        values.duration(text)


@given(st.floats(min_value=0, max_value=1e9))
def test_a_duration_round_trips_exactly(seconds: float) -> None:
    assert values.duration(values.format_duration(seconds)) == seconds


@given(st.integers(min_value=0, max_value=10**9), st.sampled_from(["ms", "s", "m", "h", "d"]))
def test_a_duration_is_the_sum_of_its_parts(amount: int, unit: str) -> None:
    one = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}[unit]
    assert values.duration(f"{amount}{unit}") == pytest.approx(amount * one)
    assert values.duration(f"1h{amount}{unit}") == pytest.approx(3600 + amount * one)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(3600.0, "1h"), (75.0, "75s"), (0.025, "25ms"), (0.0, "0s"), (86400.0, "1d"), (90.0, "90s")],
)
def test_a_duration_is_written_in_its_largest_whole_unit(seconds: float, text: str) -> None:
    assert values.format_duration(seconds) == text


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("32KiB", 32768),
        ("64k", 65536),
        ("1MiB", 1048576),
        ("1 MiB", 1048576),
        ("1.5k", 1536),
        ("1MB", 1000000),
        ("2kB", 2000),
        ("12", 12),
        ("7B", 7),
        ("1g", 1073741824),
        ("-1k", -1024),
    ],
)
def test_a_size_is_read_as_bytes(text: str, count: int) -> None:
    assert values.size(text) == count


@pytest.mark.parametrize("text", ["", "k", "1.3", "5 5", "1TiB", "many", "1e999", "0x10"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a size"):
        values.size(text)


@given(st.integers(min_value=0, max_value=2**50))
def test_a_size_round_trips(count: int) -> None:
    assert values.size(values.format_size(count)) == count


@pytest.mark.parametrize(
    ("text", "pair"),
    [("1000/60s", (1000.0, 60.0)), ("10/s", (10.0, 1.0)), ("5/1m30s", (5.0, 90.0))],
)
def test_a_rate_is_how_many_in_how_long(text: str, pair: tuple[float, float]) -> None:
    assert values.rate(text) == pair


@pytest.mark.parametrize("text", ["10", "/s", "ten/s", "10/", "10/0s", "-1/s"])
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is (not )?a rate"):
        values.rate(text)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:80", Address("127.0.0.1", 80)),
        ("api.internal:8080", Address("api.internal", 8080)),
        ("my_service:80", Address("my_service", 80)),
        ("[::1]:80", Address("::1", 80)),
        ("[fe80::1%eth0]:80", Address("fe80::1%eth0", 80)),
        ("unix:/run/app.sock", Address("unix:/run/app.sock", 0)),
        ("http://host", Address("host", 80)),
        ("HTTP://host:81/", Address("host", 81)),
        ("http://[::1]", Address("::1", 80)),
        ("https://host", Address("host", 443)),
        ("https://host:8443/", Address("host", 8443)),
    ],
)
def test_a_server_s_address_is_read(text: str, address: Address) -> None:
    assert values.server_address(text) == address


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("host", "is not an address"),
        ("host:", "is not an address"),
        (":80", "is not an address"),
        ("host:http", "is not an address"),
        ("::1:80", r"without brackets: write \[::1\]:80"),
        ("[host]:80", "brackets around what is no IPv6"),
        ("10.0.0.256:80", "host '10.0.0.256', which is no IP address"),
        ("a b:80", "host 'a b', which is no name"),
        ("-a:80", "which is no name"),
        ("user@host:80", "which is no name"),
        ("host:0", r"port 0, which is not in 1\.\.65535$"),
        ("host:65536", r"port 65536, which is not in 1\.\.65535$"),
        ("unix:run/app.sock", "is not an absolute path"),
        ("unix:/" + "x" * 107, "longer than 107 bytes"),
        ("http://host/api", "has a path"),
        ("http://host:80?x", "has a path"),
        ("https://host/api", "has a path"),
        ("ftp://host", "has the scheme 'ftp', which is neither http:// nor https://"),
    ],
)
def test_a_server_s_address_is_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        values.server_address(text)


def test_only_a_url_says_whether_tls_is_spoken() -> None:
    texts = ["https://host", "HTTPS://host:1", "http://host", "host:443", "unix:/run/a"]
    assert [values.scheme_of(text) for text in texts] == ["https", "https", "http", None, None]


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (":80", Address("0.0.0.0", 80)),
        ("*:80", Address("0.0.0.0", 80)),
        ("127.0.0.1:0", Address("127.0.0.1", 0)),
        ("[::]:443", Address("::", 443)),
    ],
)
def test_a_listener_may_take_every_address_and_any_port(text: str, address: Address) -> None:
    assert values.bind_address(text) == address


def test_a_listener_s_bad_port_is_told_with_what_zero_means() -> None:
    with pytest.raises(ValueError, match=r"port 70000, .* 1\.\.65535, 0 = any free"):
        values.bind_address("0.0.0.0:70000")


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("127.0.0.1:9001", (Address("127.0.0.1", 9001), None)),
        ("127.0.0.1:9001*3", (Address("127.0.0.1", 9001), 3)),
        ("[::1]:80*65535", (Address("::1", 80), 65535)),
        ("https://host*2", (Address("host", 443), 2)),
    ],
)
def test_a_weight_may_follow_an_address(text: str, read: tuple[Address, int | None]) -> None:
    assert values.weighted_address(text) == read


@pytest.mark.parametrize("weight", ["0", "65536", "-1", "x", "1.5", ""])
def test_a_bad_weight_is_told_with_its_bounds(weight: str) -> None:
    with pytest.raises(ValueError, match=r"not in 1\.\.65535"):
        values.weighted_address(f"host:80*{weight}")


@given(st.text())
def test_any_text_is_an_address_or_a_value_error(text: str) -> None:
    for read in (values.server_address, values.bind_address):
        try:
            address = read(text)
        except ValueError:
            continue
        assert values.server_address(str(address)) == address or address.port == 0
