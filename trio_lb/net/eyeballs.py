"""Happy eyeballs (RFC 8305): several addresses of one name, dialled a little apart.

A broken path to the first address (IPv6 announced and not routed, a host that is down)
then costs a quarter of a second, not a timeout.
"""

from collections.abc import Awaitable, Callable, Sequence
from itertools import chain, zip_longest
from typing import Final, Generic, Protocol, TypeVar

import trio

from trio_lb.net.env import ConnectError

ATTEMPT_DELAY_SECONDS: Final = 0.25
"""RFC 8305, section 5, recommends it: longer than most handshakes, hardly felt."""


class Closable(Protocol):
    """What dialling makes: it can be closed without waiting."""

    def close(self) -> None:
        """Close it."""
        ...


C = TypeVar("C", bound=Closable)


class _Race(Generic[C]):
    """Who has won, and why the others have not."""

    def __init__(self, dial: Callable[[str], Awaitable[C]], scope: trio.CancelScope) -> None:
        self._dial = dial
        self._scope = scope
        self.winner: C | None = None
        self.failures: list[ConnectError] = []

    async def run(self, host: str, failed: trio.Event) -> None:
        """Dial one address; the first who gets through calls the others off."""
        try:
            made = await self._dial(host)
        except ConnectError as error:
            self.failures.append(error)
            failed.set()
            return
        if self.winner is None:
            self.winner = made
            self._scope.cancel()
        else:
            made.close()  # Both got through in one pass of the scheduler.


async def race(dial: Callable[[str], Awaitable[C]], hosts: Sequence[str]) -> C:
    """Dial ``hosts`` (at least one) until one answers; return what ``dial`` made of it.

    The next one begins after 250 ms, or as soon as the latest one fails. ``dial`` closes
    what it had begun when it is cancelled or fails.

    Raises:
      ConnectError: none answered; ``refused`` if each of them refused, ``ours`` if one of
        them could not be tried.
    """
    if len(hosts) == 1:
        return await dial(hosts[0])
    scope = trio.CancelScope()
    contest = _Race(dial, scope)
    try:
        with scope:
            await _start_all(contest, interleaved(hosts))
    except BaseException:
        if contest.winner is not None:
            contest.winner.close()
        raise
    if contest.winner is None:
        failures = contest.failures
        message = "; ".join(map(str, failures))
        refused, ours = all(e.refused for e in failures), any(e.ours for e in failures)
        raise ConnectError(message, refused=refused, ours=ours)
    return contest.winner


async def _start_all(contest: _Race[C], hosts: Sequence[str]) -> None:
    async with trio.open_nursery() as nursery:
        for host in hosts:
            failed = trio.Event()
            nursery.start_soon(contest.run, host, failed)
            with trio.move_on_after(ATTEMPT_DELAY_SECONDS):
                await failed.wait()


def interleaved(hosts: Sequence[str]) -> list[str]:
    """Order literals so that the families alternate, the preferred one first (section 4)."""
    preferred = [host for host in hosts if _is_ipv6(host) == _is_ipv6(hosts[0])]
    others = [host for host in hosts if _is_ipv6(host) != _is_ipv6(hosts[0])]
    pairs = chain.from_iterable(zip_longest(preferred, others))
    return [host for host in pairs if host is not None]


def _is_ipv6(host: str) -> bool:
    return ":" in host
