"""A user's own check: whatever it does, it is a result, and only our cancellation comes out."""

from collections.abc import Awaitable, Callable
from typing import NoReturn

import pytest
import trio

from trio_lb.config.schema import ServerConfig
from trio_lb.control.custom_probe import ask, name_of, text_of
from trio_lb.model.address import Address
from trio_lb.model.probe_result import ProbeResult
from trio_lb.state.server import Server

SERVER = Server("api", ServerConfig(id="s1", address=Address("10.0.0.1", 80)), None)


async def wrong_with(check: object) -> str | None:
    result = await ask(SERVER, check)
    assert not result.healthy
    return result.error


def raising(error: BaseException) -> Callable[[Server], Awaitable[ProbeResult]]:
    async def check(server: Server) -> ProbeResult:
        await trio.lowlevel.checkpoint()
        raise error

    return check


async def test_its_result_is_passed_on_as_it_is() -> None:
    result = ProbeResult(False, 0.5, {"queue": 900}, "the queue is long")

    async def check(server: Server) -> ProbeResult:
        assert server is SERVER
        await trio.lowlevel.checkpoint()
        return result

    assert await ask(SERVER, check) is result


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("no such table"), "no such table"),
        (TypeError("bad call"), "bad call"),
        (AssertionError(), "AssertionError"),
        (trio.TooSlowError(), "TooSlowError"),
        (OSError(111, "Connection refused"), "[Errno 111] Connection refused"),
        (
            ExceptionGroup("two", [ValueError("one"), ExceptionGroup("", [OSError("two")])]),
            "one; two",
        ),
    ],
)
async def test_an_exception_is_a_failed_check_with_its_text(error: Exception, text: str) -> None:
    """Also those that would end the program if our own code raised them."""
    assert await wrong_with(raising(error)) == text


async def test_a_result_of_the_wrong_type_says_so() -> None:
    async def boolean(server: Server) -> bool:
        await trio.lowlevel.checkpoint()
        return True

    async def nothing(server: Server) -> None:
        await trio.lowlevel.checkpoint()

    def forgot_async(server: Server) -> ProbeResult:
        return ProbeResult(True)

    assert await wrong_with(boolean) == "boolean returned a bool, not a ProbeResult"
    assert await wrong_with(nothing) == "nothing returned None, not a ProbeResult"
    assert await wrong_with(forgot_async) == (
        "forgot_async is no async function: it returned a ProbeResult"
    )
    assert await wrong_with("check") == "str can't be called"


async def test_a_check_may_be_an_object() -> None:
    class Deep:
        async def __call__(self, server: Server) -> ProbeResult:
            await trio.lowlevel.checkpoint()
            return ProbeResult(True)

        async def method(self, server: Server) -> ProbeResult:
            await trio.lowlevel.checkpoint()
            return ProbeResult(True)

    assert (await ask(SERVER, Deep())).healthy
    assert (await ask(SERVER, Deep().method)).healthy
    assert (name_of(Deep()), name_of(Deep().method)) == ("Deep", "method")


async def test_scopes_of_its_own_stay_its_own() -> None:
    async def check(server: Server) -> ProbeResult:
        with trio.move_on_after(0):
            await trio.sleep_forever()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.sleep_forever)
            nursery.cancel_scope.cancel()
        return ProbeResult(True)

    assert (await ask(SERVER, check)).healthy


async def test_a_cancellation_that_it_kept_from_elsewhere_does_not_leak() -> None:
    kept: list[trio.Cancelled] = []
    with trio.CancelScope() as scope:
        scope.cancel()
        try:
            await trio.sleep_forever()
        except trio.Cancelled as cancelled:
            kept.append(cancelled)
            raise
    assert await wrong_with(raising(kept[0])) == "the check was cancelled by itself"


async def test_our_own_cancellation_comes_out() -> None:
    with trio.CancelScope() as scope:
        scope.cancel()
        await ask(SERVER, raising(AssertionError("it should not come so far")))
    assert scope.cancelled_caught


async def test_an_error_on_the_way_out_does_not_leave_with_our_cancellation() -> None:
    async def check(server: Server) -> ProbeResult:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_fail_when_cancelled)
            await trio.sleep_forever()
        raise AssertionError("never")

    with trio.CancelScope() as scope:
        scope.cancel()
        await ask(SERVER, check)
    assert scope.cancelled_caught


async def _fail_when_cancelled() -> NoReturn:
    try:
        await trio.sleep_forever()
    finally:
        raise TypeError("in the middle of going")


async def test_what_ends_the_program_ends_it() -> None:
    for error in (KeyboardInterrupt(), BaseExceptionGroup("", [SystemExit(), ValueError()])):
        with pytest.raises(type(error)):
            await ask(SERVER, raising(error))


def test_an_error_without_text_has_its_class() -> None:
    assert text_of(KeyError("x")) == "'x'"
    assert text_of(RuntimeError()) == "RuntimeError"
