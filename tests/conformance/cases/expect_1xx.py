"""Expect: 100-continue and interim answers (9110 §10.1.1, §15.2)."""

from typing import Final

from tests.conformance.expect import (
    body,
    closed,
    either,
    interim,
    kept,
    nothing_sent,
    one_answer,
    requests,
    sent_body,
    silent,
    status,
    statuses,
)
from tests.conformance.script import (
    Answers,
    Case,
    Close,
    Ending,
    Heard,
    Whole,
    answer,
    case,
    chunked,
    head,
    post,
    reply,
    response_case,
    send,
    sized,
)

EXPECT: Final = b"Expect: 100-continue"
HEAD: Final = head(EXPECT, b"Content-Length: 5", method=b"POST", target=b"/p")
CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
EARLY: Final = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n"
PROCESSING: Final = b"HTTP/1.1 102 Processing\r\n\r\n"
ASKED: Final = Heard(b"\r\n\r\n")
CONTINUED: Final = either(interim(100), interim(100, 100))
"""A proxy may say it at once, and relay the server's besides."""
RULE: Final = "9110 10.1.1"
INTERIM: Final = "9110 15.2"


def _interim(id: str, before: bytes, *wanted: int, must: bool = True) -> Case:
    """Interim answers are relayed in order before the final one."""
    return response_case(
        f"expect-1xx: {id}",
        INTERIM,
        before + sized(b"ok"),
        status(200),
        body(b"ok"),
        interim(*wanted),
        kept(),
        must=must,
    )


CASES: Final = (
    case(
        "expect-1xx: 100 comes before the body",
        RULE,
        (send(HEAD), Heard(b" 100 "), send(b"hello")),
        status(200),
        CONTINUED,
        requests(1),
        sent_body(b"hello"),
        kept(),
        server=[(ASKED, send(CONTINUE), Whole(), send(sized(b"ok")))],
    ),
    case(
        "expect-1xx: 100 comes before a chunked body",
        RULE,
        (
            send(head(EXPECT, b"Transfer-Encoding: chunked", method=b"POST")),
            Heard(b" 100 "),
            send(chunked(b"hello")),
        ),
        status(200),
        CONTINUED,
        sent_body(b"hello"),
        kept(),
        server=[(ASKED, send(CONTINUE), Whole(), send(sized(b"ok")))],
    ),
    case(
        "expect-1xx: in other case",
        RULE,
        (send(HEAD.replace(b"100-continue", b"100-Continue")), Heard(b" 100 "), send(b"hello")),
        status(200),
        CONTINUED,
        sent_body(b"hello"),
        kept(),
        server=[(ASKED, send(CONTINUE), Whole(), send(sized(b"ok")))],
    ),
    case(
        "expect-1xx: a body that does not wait",
        RULE,
        HEAD + b"hello",
        status(200),
        requests(1),
        sent_body(b"hello"),
        kept(),
        server=[(ASKED, send(CONTINUE), Whole(), send(sized(b"ok")))],
    ),
    case(
        "expect-1xx: a server that says no 100 and answers after the body",
        RULE,
        HEAD + b"hello",
        status(200),
        requests(1),
        sent_body(b"hello"),
        kept(),
    ),
    case(
        "expect-1xx: refused without a body",
        RULE,
        (send(HEAD),),
        status(417),
        one_answer(),
        server=[(ASKED, send(sized(b"no", status=b"417 Expectation Failed")), Close())],
        ending=Ending.CLOSED,
    ),
    case(
        "expect-1xx: refused, and the connection stays clean",
        RULE,
        (send(HEAD), Answers(1), send(b"hello" + head(target=b"/next"))),
        status(401),
        either(statuses(401), statuses(401, 200)),
        server=[(ASKED, send(sized(b"no", status=b"401 Unauthorized")))],
        answers=2,
    ),
    case(
        "expect-1xx: refused, the next request is no body",
        RULE,
        (send(HEAD), Answers(1), send(head(target=b"/next"))),
        status(401),
        either(statuses(401), statuses(401, 200), statuses(401, 400)),
        server=[(ASKED, send(sized(b"no", status=b"401 Unauthorized")), Close())],
        answers=2,
        ending=Ending.CLOSED,
    ),
    case(
        "expect-1xx: no 100 to HTTP/1.0",
        RULE,
        head(EXPECT, b"Content-Length: 5", method=b"POST", version=b"HTTP/1.0") + b"hello",
        status(200),
        interim(),
        sent_body(b"hello"),
        closed(),
        server=[(ASKED, send(CONTINUE), Whole(), send(sized(b"ok")))],
    ),
    case(
        "expect-1xx: without a body it asks for nothing",
        RULE,
        head(EXPECT),
        either((status(200), requests(1)), status(417)),
        kept(),
        must=False,
    ),
    case(
        "expect-1xx: another expectation",
        RULE,
        post(b"hello", b"Expect: the-unexpected"),
        either((status(200), requests(1), sent_body(b"hello")), (status(417), nothing_sent())),
        must=False,
    ),
    _interim("103 is relayed", EARLY, 103),
    _interim("102 is relayed", PROCESSING, 102),
    _interim("an unknown 1xx is relayed", b"HTTP/1.1 199 Odd\r\n\r\n", 199, must=False),
    _interim("several come in order", PROCESSING + EARLY + EARLY, 102, 103, 103),
    _interim("twenty of them", EARLY * 20, *[103] * 20, must=False),
    response_case(
        "expect-1xx: a 100 that nobody asked for",
        INTERIM,
        CONTINUE + sized(b"ok"),
        status(200),
        body(b"ok"),
        either(interim(100), interim()),
        kept(),
    ),
    response_case(
        "expect-1xx: 103 comes before the final answer is there",
        INTERIM,
        answer(
            EARLY,
            Heard(b"never"),
        ),
        interim(103),
        client=(send(head()), Heard(b" 103 ")),
        answers=0,
        ending=Ending.NOTHING,
    ),
    response_case(
        "expect-1xx: no 1xx to HTTP/1.0",
        INTERIM,
        PROCESSING + EARLY + sized(b"ok"),
        status(200),
        body(b"ok"),
        interim(),
        closed(),
        client=head(version=b"HTTP/1.0"),
    ),
    response_case(
        "expect-1xx: hop-by-hop fields of a 1xx stay behind",
        "9110 7.6.1",
        b"HTTP/1.1 103 Early Hints\r\nConnection: X-Hop\r\nX-Hop: secret\r\n\r\n" + sized(b"ok"),
        status(200),
        silent(b"secret"),
        kept(),
    ),
    response_case(
        "expect-1xx: a length in a 1xx is no body",
        "9112 6.3",
        b"HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\n" + sized(b"ok"),
        either((status(200), body(b"ok")), status(502)),
    ),
    response_case(
        "expect-1xx: 1xx, then the server ends",
        "9112 8",
        answer(EARLY, Close()),
        either(status(502), (status(200), body(b"answer to /"), requests(2, 3, 4))),
        one_answer(),
    ),
    response_case(
        "expect-1xx: 1xx to a POST, then the server ends",
        "9110 9.2.2",
        answer(EARLY, Close()),
        status(502),
        requests(1),
        client=post(b"hello"),
    ),
    response_case(
        "expect-1xx: only 1xx, without end",
        "9110 15.2",
        EARLY * 3000,
        either(status(502, 504), closed()),
        must=False,
        repeat=True,
    ),
    response_case(
        "expect-1xx: before a HEAD's answer",
        INTERIM,
        EARLY + reply(b"Content-Length: 9"),
        status(200),
        interim(103),
        kept(),
        client=head(method=b"HEAD"),
    ),
    response_case(
        "expect-1xx: before a 204",
        INTERIM,
        EARLY + reply(status=b"204 No Content"),
        status(204),
        interim(103),
        kept(),
    ),
)
