"""The fence: whatever code of somebody else's raises is a value, and our own end is not."""

from collections.abc import Callable
from typing import Any

import outcome
import pytest
import trio
from trio.testing import MockClock

from trio_lb.proxy.inside.fence import fenced, kind_of, text_of


async def raising(error: BaseException) -> None:
    await trio.lowlevel.checkpoint()
    raise error


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("no"), "ValueError: no"),
        (ValueError(), "ValueError"),
        (ExceptionGroup("g", [KeyError("a"), OSError("b")]), "KeyError: 'a'; OSError: b"),
    ],
)
async def test_an_error_is_handed_over(error: Exception, text: str) -> None:
    ended = await fenced(lambda: raising(error))
    assert ended is error
    assert text_of(ended) == text


async def test_who_ends_well_leaves_nothing() -> None:
    assert await fenced(trio.lowlevel.checkpoint) is None


@pytest.mark.parametrize(("call", "kind"), [(lambda: None, "None"), (lambda: 3, "a int")])
async def test_what_can_t_be_awaited_is_told(call: Callable[[], Any], kind: str) -> None:
    error = await fenced(call)
    assert str(error) == f"it is no async function: it returned {kind}"
    await trio.lowlevel.checkpoint()


async def test_our_own_cancellation_comes_out(autojump_clock: MockClock) -> None:
    with trio.move_on_after(1.0) as scope:
        await fenced(trio.sleep_forever)
        pytest.fail("it goes on")
    assert scope.cancelled_caught


async def test_an_error_beside_our_cancellation_does_not_come_out(
    autojump_clock: MockClock,
) -> None:
    async def stubborn() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.sleep_forever)
            try:
                await trio.sleep_forever()
            finally:
                raise ValueError("in the middle of a cancellation")

    with trio.move_on_after(1.0) as scope:
        await fenced(stubborn)
        pytest.fail("it goes on")
    assert scope.cancelled_caught


async def test_a_cancellation_that_was_kept_and_raised_again_is_an_error() -> None:
    async def keep() -> None:
        with trio.CancelScope() as scope:
            scope.cancel()
            kept = await outcome.acapture(trio.lowlevel.checkpoint)
        kept.unwrap()

    error = await fenced(keep)
    assert str(error) == "it was cancelled by a scope of its own"


async def test_what_ends_the_program_comes_out() -> None:
    with pytest.raises(KeyboardInterrupt):
        await fenced(lambda: raising(KeyboardInterrupt()))


def test_kinds_are_named() -> None:
    assert (kind_of(None), kind_of([])) == ("None", "a list")
