"""What holds of any answer on its way to the client, a server's or one of our own."""

import json
from http import HTTPStatus

from hypothesis import given
from hypothesis import strategies as st

from tests.conformance import strict
from tests.proxy.heads import answers
from tests.proxy.stage import head_of
from trio_lb.model.message import Length, ResponseHead, Unsized
from trio_lb.proxy.answer_out import error_answer, final_head, interim_head, own_answer

DATE = b"Date: Thu, 01 Jan 2026 00:00:00 GMT\r\n"
HOP_BY_HOP = {b"connection", b"keep-alive", b"proxy-connection", b"te", b"upgrade"}
FRAMING = {b"content-length", b"transfer-encoding"}

ASKED = st.sampled_from([b"GET", b"HEAD", b"POST"])
ANSWERS = ASKED.flatmap(lambda asked: st.tuples(st.just(asked), answers(asked)))
MINOR = st.integers(0, 1)


def rewritten(asked: bytes, answer: ResponseHead, minor: int, *, close: bool) -> strict.Head:
    """The head as a client of HTTP/1.``minor`` gets it, read strictly."""
    request = head_of(f"{asked.decode()} / HTTP/1.{minor}\nHost: a")
    data = final_head(answer, request, date=DATE, close=close)
    head = strict.read_head(data, response=True)
    assert head is not None
    assert head.size == len(data)
    return head


@given(ANSWERS, MINOR, st.booleans())
def test_a_relayed_head_is_strict_and_says_what_the_server_said(
    pair: tuple[bytes, ResponseHead], minor: int, close: bool
) -> None:
    asked, answer = pair
    head = rewritten(asked, answer, minor, close=close)
    assert head.start == (b"HTTP/1.1", b"%d" % answer.status, answer.reason)
    assert head.values(b"connection") == ([b"close"] if close else [])
    assert head.values(b"date") == (
        [value for lower, _, value in answer.fields if lower == b"date"
         and lower not in answer.connection] or [DATE[6:-2]]
    )  # fmt: skip


@given(ANSWERS, MINOR)
def test_end_to_end_fields_arrive_as_they_came_and_hop_by_hop_ones_do_not(
    pair: tuple[bytes, ResponseHead], minor: int
) -> None:
    asked, answer = pair
    head = rewritten(asked, answer, minor, close=False)
    apart = HOP_BY_HOP | FRAMING | {b"date"}
    assert not {name.lower() for name, _ in head.fields} & HOP_BY_HOP
    sent = [f for f in answer.fields if f[0] not in apart | answer.connection]
    arrived = [(n.lower(), n, v) for n, v in head.fields if n.lower() not in apart]
    assert arrived == sent


@given(ANSWERS, MINOR)
def test_the_end_of_the_body_is_told_in_the_one_way_that_the_client_knows(
    pair: tuple[bytes, ResponseHead], minor: int
) -> None:
    asked, answer = pair
    head = rewritten(asked, answer, minor, close=True)
    lengths, codings = head.values(b"content-length"), head.values(b"transfer-encoding")
    if isinstance(answer.framing, Length):
        assert (lengths, codings) == ([b"%d" % answer.framing.size], [])
    elif answer.framing is not Unsized.NO_BODY:
        assert (lengths, codings) == ([], [b"chunked"] if minor else [])
    else:
        # HEAD and 304 may say how long the body would be; 204 must not (RFC 9110, 8.6).
        told = answer.declared is not None and answer.status != 204
        assert (lengths, codings) == ([b"%d" % (answer.declared or 0)] if told else [], [])


@given(answers(b"GET").filter(lambda answer: answer.status < 200))
def test_an_interim_head_is_a_whole_message_of_its_own(answer: ResponseHead) -> None:
    data = interim_head(answer)
    message = strict.read_response(data)
    assert message is not None
    assert (message.status, message.size) == (answer.status, len(data))


STATUSES = st.sampled_from([status.value for status in HTTPStatus if status >= 400])
TEXTS = st.text(st.characters(codec="utf-8"), max_size=30)


@given(
    STATUSES, TEXTS, st.sampled_from([b"", b"*/*", b"text/html, Application/JSON;q=0.1"]),
    st.booleans(), st.booleans(), st.none() | st.integers(0, 3600),
)  # fmt: skip
def test_an_error_of_ours_is_always_a_strict_answer_and_nothing_more(
    status: int, message: str, accept: bytes, bodiless: bool, close: bool, retry_after: int | None
) -> None:
    data = error_answer(
        status, "a_code", message, request_id="c0ffee", date=DATE, accept=accept,
        bodiless=bodiless, close=close, retry_after_seconds=retry_after,
    )  # fmt: skip
    answer = strict.read_response(data, b"HEAD" if bodiless else b"GET")
    assert answer is not None
    assert (answer.status, answer.size) == (status, len(data))
    head = answer.head
    assert head.values(b"connection") == ([b"close"] if close else [])
    assert head.values(b"retry-after") == ([] if retry_after is None else [b"%d" % retry_after])
    assert (head.values(b"allow") != []) == (status == 405)
    if bodiless:
        return
    if accept and accept != b"*/*":
        error = {"code": "a_code", "message": message, "request_id": "c0ffee"}
        assert json.loads(answer.body) == {"error": error}
    else:
        assert answer.body.decode() == f"{status} {message}\nrequest c0ffee\n"


@given(st.binary(max_size=50), st.booleans())
def test_leaving_the_body_out_changes_nothing_of_the_head(body: bytes, close: bool) -> None:
    whole, head = (
        own_answer(200, b"text/plain", body, date=DATE, bodiless=bodiless, close=close)
        for bodiless in (False, True)
    )
    assert whole == head + body
