"""Heads for the laws of the data path: ordinary fields among those that steer or vouch."""

from hypothesis import assume
from hypothesis import strategies as st

from tests.net.heads import NAMES, VALUES, field_lines
from tests.proxy.stage import READER
from trio_lb.model.message import RequestHead, ResponseHead, Unsized
from trio_lb.net.h1_upstream import ResponseReader
from trio_lb.net.h11_codec import H11Codec

RESPONSES = ResponseReader(H11Codec(), head_size=65536, header_count=100)

ANY_FIELD = st.tuples(NAMES, VALUES)

REQUEST_FIELDS = st.sampled_from(
    [
        (b"Connection", b"close"),
        (b"Connection", b"Keep-Alive, X-Hop"),
        (b"connection", b"host, via, max-forwards, content-length, x-forwarded-for"),
        (b"Connection", b"upgrade"),
        (b"Connection", b"te"),
        (b"Upgrade", b"websocket"),
        (b"Keep-Alive", b"timeout=5"),
        (b"Proxy-Connection", b"keep-alive"),
        (b"Proxy-Authorization", b"Basic eDp5"),
        (b"Proxy", b"http://evil"),
        (b"HTTP2-Settings", b"AAMAAABkAAQAAP__"),
        (b"TE", b"gzip, trailers"),
        (b"X-Hop", b"1"),
        (b"Via", b"1.1 elsewhere"),
        (b"Max-Forwards", b"7"),
        (b"Expect", b"100-continue"),
        (b"Transfer-Encoding", b"chunked"),
        (b"Content-Length", b"5"),
        (b"Cookie", b"a=b"),
        (b"Authorization", b"Basic eDp5"),
        (b"x-forwarded-FOR", b"198.51.100.9, 10.0.0.2"),
        (b"X-Forwarded-Proto", b"https"),
        (b"X-Forwarded-Host", b"evil"),
        (b"X-Forwarded-Prefix", b"/app"),
        (b"Forwarded", b"for=198.51.100.9"),
        (b"X-Real-IP", b"198.51.100.9"),
        (b"X-Request-ID", b"theirs"),
    ]
)

LINES = st.sampled_from(
    [
        b"GET / HTTP/1.1", b"GET /a?b={c}|d HTTP/1.1", b"GET http://b:81/x HTTP/1.1",
        b"HEAD / HTTP/1.1", b"POST / HTTP/1.1", b"PUT //a HTTP/1.1", b"PATCH / HTTP/1.0",
        b"GET / HTTP/1.0", b"OPTIONS * HTTP/1.1", b"OPTIONS http://b HTTP/1.1", b"TRACE / HTTP/1.1",
        b"M-SEARCH / HTTP/1.7",
    ]
)  # fmt: skip


@st.composite
def requests(draw: st.DrawFn) -> RequestHead:
    """Any request that the reader accepts."""
    fields = draw(st.lists(REQUEST_FIELDS | ANY_FIELD, max_size=6))
    if draw(st.integers(0, 9)):
        fields.insert(draw(st.integers(0, len(fields))), (b"hOST", b"a.example"))
    read = READER.parse(draw(LINES) + b"\r\n" + field_lines(fields))
    assume(isinstance(read, RequestHead))
    assert isinstance(read, RequestHead)
    return read


ANSWER_FIELDS = st.sampled_from(
    [
        (b"Connection", b"close"),
        (b"Connection", b"X-Hop, keep-alive"),
        (b"Keep-Alive", b"timeout=5"),
        (b"Proxy-Connection", b"close"),
        (b"X-Hop", b"1"),
        (b"Upgrade", b"h2"),
        (b"TE", b"trailers"),
        (b"DATE", b"Thu, 01 Jan 1970 00:00:00 GMT"),
        (b"Set-Cookie", b"a=b"),
        (b"Set-Cookie", b"c=d"),
        (b"Content-Length", b"5"),
        (b"Transfer-Encoding", b"chunked"),
        (b"Server", b"s1"),
        (b"WWW-Authenticate", b"Basic"),
        (b"Proxy-Authenticate", b"Basic"),
        (b"Trailer", b"X-Sum"),
    ]
)


@st.composite
def answers(draw: st.DrawFn, asked: bytes) -> ResponseHead:
    """Any answer to a request of the method ``asked`` that the reader accepts; none is a 101."""
    status = draw(st.sampled_from([100, 103, 200, 201, 204, 206, 301, 304, 404, 500, 599]))
    fields = draw(st.lists(ANSWER_FIELDS | ANY_FIELD, max_size=6))
    line = b"HTTP/1.%d %d %b\r\n" % (draw(st.integers(0, 1)), status, draw(VALUES))
    request = RequestHead(asked, b"/", 1, [], b"a", Unsized.NO_BODY, frozenset())
    read = RESPONSES.parse(line + field_lines(fields), request)
    assume(isinstance(read, ResponseHead))
    assert isinstance(read, ResponseHead)
    return read
