"""Signals at the start of a program: noted while nobody receives them, and raised again."""

import signal
from collections.abc import Iterator

import pytest
import trio
import trio.testing

from trio_lb.cli.starting import HELD, deliver, held_signals


@pytest.fixture(autouse=True)
def dispositions() -> Iterator[None]:
    """Leave the process as it was."""
    before = {each: signal.getsignal(each) for each in HELD}
    for each in HELD:
        signal.signal(each, signal.SIG_DFL)
    yield
    for each, handler in before.items():
        signal.signal(each, handler)


async def test_what_came_during_the_start_is_received_once_somebody_listens() -> None:
    with held_signals():
        signal.raise_signal(signal.SIGHUP)
        signal.raise_signal(signal.SIGHUP)
        signal.raise_signal(signal.SIGUSR1)
        with trio.open_signal_receiver(*HELD) as received:
            deliver()
            seen = [await anext(received) for _ in range(2)]
            deliver()
            await trio.testing.wait_all_tasks_blocked()
    assert sorted(seen) == [signal.SIGHUP, signal.SIGUSR1]


def test_what_is_ignored_stays_ignored_and_all_is_as_before_at_the_end() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with held_signals():
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        assert signal.getsignal(signal.SIGQUIT) is not signal.SIG_DFL
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    assert signal.getsignal(signal.SIGQUIT) is signal.SIG_DFL


def test_another_start_knows_nothing_of_the_last_one_s() -> None:
    with held_signals():
        signal.raise_signal(signal.SIGHUP)
    with held_signals():
        deliver()
