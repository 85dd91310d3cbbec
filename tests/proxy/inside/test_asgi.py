"""ASGI as the specification has it: the scope, and the messages of both directions."""

from functools import partial
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from tests.proxy.inside.stage import open_origin
from trio_lb.proxy.inside.answer import BadAnswer
from trio_lb.proxy.inside.asgi import AsgiApp, AsgiCall
from trio_lb.proxy.inside.turn import Program, Turn

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


def program_of(app: AsgiApp, state: dict[str, Any] | None = None) -> Program:
    async def call(turn: Turn, state: dict[str, Any] | None) -> None:
        await AsgiCall(app, state, turn)()

    return partial(call, state=state)


async def answer(send: Any, body: object = b"ok") -> None:
    await send({"type": "http.response.start", "status": 200})
    await send({"type": "http.response.body", "body": body})


async def test_the_scope_says_what_the_balancer_vouches_for(autojump_clock: MockClock) -> None:
    seen: list[dict[str, Any]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope)
        scope["state"]["changed"] = True
        await answer(send)

    state = {"db": 1}
    async with open_origin(program_of(app, state)) as client:
        await client.send(
            b"PUT /a%20b/%C3%A9?x=%2F HTTP/1.1\r\nHost: [::1]:81\r\nX-Real-IP: 10.1.2.3\r\n"
            b"X-Forwarded-Proto: https\r\nX-Own: 1\r\nX-Own: 2\r\nContent-Length: 0\r\n\r\n"
        )
        await client.read_response("PUT")
    (scope,) = seen
    headers = scope.pop("headers")
    assert [value for name, value in headers if name == b"x-own"] == [b"1", b"2"]
    assert scope == {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": "PUT",
        "scheme": "https",
        "path": "/a b/é",
        "raw_path": b"/a%20b/%C3%A9",
        "query_string": b"x=%2F",
        "root_path": "",
        "client": ("10.1.2.3", 0),
        "server": ("[::1]", 81),
        "state": {"db": 1, "changed": True},
    }
    assert state == {"db": 1}, "each request has its own copy"


async def test_a_probe_is_the_balancer_s_own_question(autojump_clock: MockClock) -> None:
    seen: list[object] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["client"])
        await answer(send)

    async with open_origin(program_of(app)) as client:
        await client.send(GET)
        await client.read_response()
    assert seen == [("127.0.0.1", 0)]


async def test_what_nobody_vouches_for_is_not_said(autojump_clock: MockClock) -> None:
    seen: list[dict[str, Any]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope)
        await answer(send)

    async with open_origin(program_of(app)) as client:
        await client.send(b"GET / HTTP/1.0\r\nVia: 1.1 lb\r\n\r\n")
        await client.read_response()
    (scope,) = seen
    assert (scope["client"], scope["server"], scope["scheme"]) == (None, None, "http")
    assert "state" not in scope


async def test_a_body_comes_in_messages_and_then_the_end_of_the_answer(
    autojump_clock: MockClock,
) -> None:
    messages: list[dict[str, Any]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        while True:
            messages.append(await receive())
            if not messages[-1].get("more_body"):
                break
        await answer(send)
        messages.append(await receive())

    async with open_origin(program_of(app)) as client:
        await client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\nbody")
        await trio.sleep(1.0)
        await client.send(b"more")
        await client.read_response("POST")
        await wait_all_tasks_blocked()
    assert messages == [
        {"type": "http.request", "body": b"body", "more_body": True},
        {"type": "http.request", "body": b"more", "more_body": False},
        {"type": "http.disconnect"},
    ]


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ({"type": "websocket.accept"}, "'websocket.accept' is no message of an HTTP answer"),
        ({"type": "http.response.body"}, "the last part of the body came while nothing was said"),
        (
            {"type": "http.response.start", "status": 200, "headers": [("a", "b")]},
            "headers are pairs of bytes",
        ),
        ({"type": "http.response.start", "status": 99}, "99 is not the status"),
    ],
)
async def test_a_message_that_is_none_raises_in_the_application(
    message: dict[str, Any], text: str, autojump_clock: MockClock
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        with pytest.raises(BadAnswer, match=text):
            await send(message)
        await answer(send, bytearray(b"all the same"))

    async with open_origin(program_of(app)) as client:
        await client.send(GET)
        assert (await client.read_response()).body == b"all the same"


async def test_a_body_that_is_text_raises(autojump_clock: MockClock) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        with pytest.raises(BadAnswer, match="a body is bytes, not a str"):
            await answer(send, "text")

    async with open_origin(program_of(app)) as client:
        await client.send(GET)
        assert (await client.read_response()).status == 500


async def test_one_that_ignores_that_its_client_left_starves_nobody(
    autojump_clock: MockClock,
) -> None:
    calls = 0

    async def app(scope: Any, receive: Any, send: Any) -> None:
        nonlocal calls
        await send({"type": "http.response.start", "status": 200})
        while True:
            calls += 1
            await receive()
            try:
                await send({"type": "http.response.body", "body": b"x", "more_body": True})
            except OSError:
                continue

    async with open_origin(program_of(app)) as client:
        await client.send(GET)
        await client.expect_until(b"x")
        client.reset()
        before = calls
        for _ in range(50):
            await trio.lowlevel.checkpoint()
        assert before < calls <= before + 60
