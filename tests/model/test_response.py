"""A response as programs make it."""

import pytest

from trio_lb import Response


async def test_a_response_says_what_it_is() -> None:
    response = Response(404, {"X-A": "1"}, b"none")
    assert (response.status, response.headers["x-a"]) == (404, "1")
    assert await response.read() == b"none"
    assert "content-type" not in response.headers
    assert repr(response) == "<Response 404>"


def test_text_is_plain_utf_8_unless_a_type_is_named() -> None:
    plain = Response(200, body="né")
    assert (plain.body, plain.headers["content-type"]) == (
        b"n\xc3\xa9",
        "text/plain; charset=utf-8",
    )
    page = Response(200, {"content-type": "text/html"}, "<p>")
    assert page.headers.get_all("Content-Type") == ["text/html"]


@pytest.mark.parametrize("status", [0, 100, 199, 600, -200])
def test_only_a_final_status_answers(status: int) -> None:
    with pytest.raises(ValueError, match="not the status of a final answer"):
        Response(status)
