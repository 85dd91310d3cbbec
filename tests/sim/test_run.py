"""Runs in virtual time: what comes out of one, and that the next finds the world as it was."""

import gc

import pytest
import trio

from trio_lb.sim.clock import DesClock
from trio_lb.sim.run import run, run_pinned


def test_it_returns_what_its_program_returns() -> None:
    async def main() -> str:
        await trio.sleep(86_400.0)
        return "a day later"

    assert run(main) == "a day later"


def test_an_error_of_the_program_comes_out_as_it_is() -> None:
    async def main() -> None:
        await trio.sleep(1.0)
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        run(main)


def test_a_program_that_cancels_itself_is_no_fault_of_the_clock() -> None:
    async def main() -> float:
        with trio.move_on_after(3.0):
            await trio.sleep_forever()
        return trio.current_time()

    assert run(main) == 3.0


def test_the_first_fault_is_told_and_what_it_led_to_is_its_context() -> None:
    clock = DesClock()
    clock.call_at(1.0, lambda: int("x"))

    async def main() -> None:
        try:
            await trio.sleep_forever()
        finally:
            raise RuntimeError("while it ended")

    with pytest.raises(ValueError, match="invalid literal") as caught:
        run(main, clock=clock)
    assert isinstance(caught.value.__context__, RuntimeError)


@pytest.mark.parametrize("enabled", [True, False])
def test_the_collector_rests_and_is_then_as_it_was(enabled: bool) -> None:
    before = gc.isenabled()
    seen: list[bool] = []

    async def main() -> None:
        await trio.lowlevel.checkpoint()
        seen.append(gc.isenabled())

    try:
        (gc.enable if enabled else gc.disable)()
        run_pinned(main)
        assert (seen, gc.isenabled()) == ([False], enabled)
    finally:
        (gc.enable if before else gc.disable)()
