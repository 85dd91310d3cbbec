"""The grammar of heads: what passes, what is told when it does not, and h11 as the oracle."""

import h11
import pytest
from hypothesis import given

from tests.net.heads import TCHARS, request_heads, response_heads, spoiled
from trio_lb.net.grammar import (
    REQUEST_HEAD,
    RESPONSE_HEAD,
    TRAILER_SECTION,
    explain_partial_request,
    explain_partial_response,
    explain_request,
    explain_request_line,
    explain_response,
)

LINE = b"GET / HTTP/1.1\r\n"
STATUS_LINE = b"HTTP/1.1 200 OK\r\n"

# What a field line may be wrong in, in either kind of head.
WRONG_FIELDS = [
    (b"A: b\n\r\n", "a field line ends in LF without CR"),
    (b"A: b\nC: d\r\n\r\n", "a field line ends in LF without CR"),
    (b"A: b\rc\r\n\r\n", "a field holds CR without LF"),
    (b"A: b\r\n c\r\n\r\n", "field 2: a continued line (obs-fold) is not allowed"),
    (b"\tA: b\r\n\r\n", "field 1: a continued line (obs-fold) is not allowed"),
    (b"A: b\r\nnonsense\r\n\r\n", "field 2: no colon"),
    (b": b\r\n\r\n", "field 1: an empty name"),
    (b"A : b\r\n\r\n", "field 1: white space between name and colon"),
    (b"A: b\r\nC: d\r\nE\t: f\r\n\r\n", "field 3: white space between name and colon"),
    (b"A(: b\r\n\r\n", "field 1: a character that is not allowed in a name"),
    (b"\xe9: b\r\n\r\n", "field 1: a character that is not allowed in a name"),
    (b"A: \x00\r\n\r\n", "field 1: a control character in the value"),
    (b"A: b\x7f\r\n\r\n", "field 1: a control character in the value"),
]


@pytest.mark.parametrize(("fields", "message"), WRONG_FIELDS)
def test_a_wrong_field_is_named_by_its_number_and_its_fault(fields: bytes, message: str) -> None:
    request, response = LINE + fields, STATUS_LINE + fields
    assert not REQUEST_HEAD.fullmatch(request)
    assert not RESPONSE_HEAD.fullmatch(response)
    wrong = explain_request(request)
    assert (wrong.status, wrong.code, wrong.message) == (400, "bad_request", message)
    wrong = explain_response(response)
    assert (wrong.status, wrong.code, wrong.message) == (502, "bad_response", message)


MALFORMED = "the request line is not METHOD SP TARGET SP HTTP/1.x"


@pytest.mark.parametrize(
    ("line", "status", "message"),
    [
        (b"GET / HTTP/2.0", 505, "HTTP/2 is not HTTP/1.0 or HTTP/1.1"),
        (b"GET / HTTP/0.9", 505, "HTTP/0 is not HTTP/1.0 or HTTP/1.1"),
        (b"PRI * HTTP/2.0", 400, "HTTP/2 is not spoken on this port"),
        (b"GET /", 400, MALFORMED),
        (b"GET  / HTTP/1.1", 400, MALFORMED),
        (b"GET / HTTP/1.1 ", 400, MALFORMED),
        (b"GET / HTTP/1.10", 400, MALFORMED),
        (b"GET / http/1.1", 400, MALFORMED),
        (b"GET /a b HTTP/1.1", 400, MALFORMED),
        (b"GET /#a HTTP/1.1", 400, MALFORMED),
        (b"GET /\xc3\xa9 HTTP/1.1", 400, MALFORMED),
        (b"G@T / HTTP/1.1", 400, MALFORMED),
        (b"", 400, MALFORMED),
    ],
)
def test_a_wrong_first_line_is_told_by_its_fault(line: bytes, status: int, message: str) -> None:
    wrong = explain_request_line(line)
    assert wrong is not None
    assert (wrong.status, wrong.message) == (status, message)
    assert explain_request(line + b"\r\n\r\n") == wrong


@pytest.mark.parametrize(
    "line",
    [
        b"HTTP/1.1 20 OK", b"HTTP/1.1 2000 OK", b"HTTP/1.1 099 OK", b"HTTP/1.1  200 OK",
        b"HTTP/1.1200 OK", b"HTTP/2.0 200 OK", b"HTTP/1.1 200\tOK", b"HTTP/1.1 200 O\x00K",
        b"http/1.1 200 OK", b"200 OK", b"",
    ],
)  # fmt: skip
def test_a_wrong_status_line_is_a_502(line: bytes) -> None:
    assert not RESPONSE_HEAD.fullmatch(line + b"\r\n\r\n")
    wrong = explain_response(line + b"\r\n\r\n")
    expected = "the status line is not HTTP/1.x SP 3DIGIT SP reason"
    assert (wrong.status, wrong.message) == (502, expected)


def test_a_method_or_name_is_made_of_the_77_token_characters() -> None:
    every = [bytes([character]) for character in range(256)]
    names = [one for one in every if REQUEST_HEAD.fullmatch(LINE + one + b": b\r\n\r\n")]
    methods = [one for one in every if REQUEST_HEAD.fullmatch(one + b" / HTTP/1.1\r\n\r\n")]
    assert names == methods == [bytes([character]) for character in sorted(TCHARS)]
    assert len(names) == 77


def test_a_value_holds_tab_and_everything_visible_and_no_control() -> None:
    heads = [LINE + b"A: b%cc\r\n\r\n" % character for character in range(256)]
    fitting = [number for number, head in enumerate(heads) if REQUEST_HEAD.fullmatch(head)]
    assert fitting == [9, *range(32, 127), *range(128, 256)]


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.0\r\nA:\r\n\r\n",
        b"GET /?a={b|c}^`\\ HTTP/1.1\r\nA: \xe9\t\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nA:b\r\nA:b\r\n\r\n",
        b"M-SEARCH http://a/ HTTP/1.9\r\n\r\n",
    ],
)
def test_unusual_requests_that_are_right(head: bytes) -> None:
    assert REQUEST_HEAD.fullmatch(head)


@pytest.mark.parametrize(
    ("section", "fits"),
    [
        (b"\r\n", True),
        (b"A: b\r\n\r\n", True),
        (b"A: b\r\n", False),
        (b"", False),
        (b"A : b\r\n\r\n", False),
        (b"A: b\r\n\r\n\r\n", False),
    ],
)
def test_a_trailer_section_is_field_lines_and_an_empty_one(section: bytes, fits: bool) -> None:
    assert (TRAILER_SECTION.fullmatch(section) is not None) is fits


# Early refusals.


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\x16\x03\x01\x02", "a TLS handshake arrived on a plain HTTP port"),
        (b"GET /\r\n", MALFORMED),
        (b"GET / HTTP/2.0\r\n", "HTTP/2 is not HTTP/1.0 or HTTP/1.1"),
        (b"GET / HTTP/1.1\n", "a line ends in LF without CR"),
        (LINE + b"A: b\nC", "a line ends in LF without CR"),
        (b"PRI * HTTP/2.0\r\n", "HTTP/2 is not spoken on this port"),
    ],
)
def test_what_can_never_become_a_request_is_refused_before_its_end(
    data: bytes, message: str
) -> None:
    wrong = explain_partial_request(data)
    assert wrong is not None
    assert wrong.message == message


@pytest.mark.parametrize(
    "data", [b"SSH-2.0-x\r\n", b"X", b"HTTP/2.0 200", b"\r\nHTTP/1.1", STATUS_LINE + b"A: b\n"]
)
def test_what_can_never_become_an_answer_is_refused_before_its_end(data: bytes) -> None:
    wrong = explain_partial_response(data)
    assert wrong is not None
    assert wrong.status == 502


# Laws.


@given(request_heads())
def test_no_beginning_of_a_right_request_is_explained(head: bytes) -> None:
    assert REQUEST_HEAD.fullmatch(head)
    assert [explain_partial_request(head[:size]) for size in range(len(head))] == [None] * len(head)
    assert explain_request_line(head.partition(b"\r\n")[0]) is None


@given(response_heads())
def test_no_beginning_of_a_right_answer_is_explained(head: bytes) -> None:
    assert RESPONSE_HEAD.fullmatch(head)
    early = [explain_partial_response(head[:size]) for size in range(len(head))]
    assert early == [None] * len(head)


VAGUE = "the header section does not end as it should"


@given(spoiled(request_heads()))
def test_every_wrong_request_is_explained_by_a_fault_that_it_has(head: bytes) -> None:
    if not REQUEST_HEAD.fullmatch(head):
        wrong = explain_request(head)
        assert wrong.status in (400, 505)
        assert wrong.message != VAGUE


@given(spoiled(response_heads()))
def test_every_wrong_answer_is_explained_by_a_fault_that_it_has(head: bytes) -> None:
    if not RESPONSE_HEAD.fullmatch(head):
        wrong = explain_response(head)
        assert (wrong.status, wrong.message != VAGUE) == (502, True)


@given(request_heads() | spoiled(request_heads()))
def test_whatever_passes_as_a_request_passes_in_h11(head: bytes) -> None:
    if not REQUEST_HEAD.fullmatch(head) or b"\r\nHost: a\r\n" not in head:
        return
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(head)
    assert isinstance(connection.next_event(), h11.Request)


@given(response_heads() | spoiled(response_heads()))
def test_whatever_passes_as_an_answer_passes_in_h11(head: bytes) -> None:
    if not RESPONSE_HEAD.fullmatch(head) or head[9:12] == b"101":
        return  # h11 takes a 101 only after it sent a request that asked for it.
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="GET", target="/", headers=[("Host", "a")]))
    connection.receive_data(head)
    assert isinstance(connection.next_event(), (h11.Response, h11.InformationalResponse))
