"""A request as programs make it."""

import pytest

from trio_lb import Address, Headers, Request


def test_a_request_says_what_it_is() -> None:
    request = Request("GET", "/a/b?c=1", {"Accept": "*/*"}, client="10.0.0.1")
    assert (request.method, request.target) == ("GET", "/a/b?c=1")
    assert (request.path, request.query) == ("/a/b", "c=1")
    assert request.headers["accept"] == "*/*"
    assert request.client == Address("10.0.0.1", 0)
    assert (request.body, repr(request)) == (b"", "<Request GET /a/b?c=1>")


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        ("http://a.example/x?y", "/x", "y"),
        ("http://a.example", "/", ""),
        ("*", "*", ""),
        ("/?a?b", "/", "a?b"),
    ],
)
def test_path_and_query_are_parts_of_every_form_of_target(
    target: str, path: str, query: str
) -> None:
    request = Request("OPTIONS", target)
    assert (request.path, request.query) == (path, query)


@pytest.mark.parametrize("method", ["", "GE T", "GET\r\n", "GÉT"])
def test_what_is_no_method_is_refused(method: str) -> None:
    with pytest.raises(ValueError, match="is not a method"):
        Request(method, "/")


@pytest.mark.parametrize("target", ["", "a", "/a b", "/\r\nX: 1", "/ä", "/#top", "ftp://a/", "**"])
def test_a_target_that_is_not_escaped_is_refused(target: str) -> None:
    with pytest.raises(ValueError, match="is not an escaped path"):
        Request("GET", target)


async def test_text_is_sent_as_utf_8() -> None:
    assert await Request("POST", "/", body="né").read() == b"n\xc3\xa9"


def test_the_headers_are_the_request_s_own() -> None:
    headers = Headers({"A": "1"})
    request = Request("GET", "/", headers)
    request.headers["A"] = "2"
    assert headers["A"] == "1"
