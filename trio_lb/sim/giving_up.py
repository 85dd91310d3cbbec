"""A sender that gives up: nobody has acknowledged its oldest byte for 924.6 s.

    something goes dark --> one call on the clock --> whose oldest byte is too old? --> it breaks
     or a packet into it      ^-- when the next one could be --'

Linux sends what is not acknowledged again after 0.2, 0.4, 0.8 ... s, at most 120 s apart, and
after the fifteenth time (tcp_retries2) waits once more and then reports ETIMEDOUT. The other end
is told nothing. Here one call for each link that is dark does that for all of its connections:
who sends while all is well pays a look at a flag. Where nothing is under way there is no call, so
a simulation in which everybody waits for what a cut holds is still seen to be stuck.
"""

from typing import TYPE_CHECKING, Final

import trio

from trio_lb.sim.clock import Call, DesClock

if TYPE_CHECKING:
    from trio_lb.sim.link import Link

GIVES_UP_SECONDS: Final = 924.6
"""0.2 + 0.4 + ... + 102.4, then six times 120 s: Linux's "hypothetical" time for 15 tries."""


class Patience:
    """That of all senders on one link. Without a clock that takes calls, they have no end of it.

    ``is_asleep`` says that something went dark and nothing was under way: the next packet is ``sent``.
    """

    __slots__ = ("_call", "_link", "is_asleep")

    def __init__(self, link: "Link") -> None:
        self.is_asleep = False
        self._link = link
        self._call: Call | None = None

    def watch(self) -> None:
        """Something that is sent may be lost from now on: look after whoever sends it."""
        clock = trio.lowlevel.current_clock()
        if self._call is None and isinstance(clock, DesClock):
            self._look_again(clock, self._oldest(clock.current_time()))

    def sent(self, *, is_lost: bool) -> None:
        """A packet leaves now, which may be lost, or is."""
        self.is_asleep = False
        clock = trio.lowlevel.current_clock()
        may_be_lost = is_lost or self._link.is_dark
        if may_be_lost and self._call is None and isinstance(clock, DesClock):
            self._look_again(clock, clock.current_time())

    def _look_again(self, clock: DesClock, oldest: float | None) -> None:
        self.is_asleep = oldest is None
        if oldest is not None:
            self._call = clock.call_at(oldest + GIVES_UP_SECONDS, lambda: self._look(clock))

    def _look(self, clock: DesClock) -> None:
        self._call = None
        now = clock.current_time()
        for stream in list(self._link.streams.values()):
            since = stream.outgoing.unheard_since(now)
            if since is not None and since + GIVES_UP_SECONDS <= now:
                stream.outgoing.lose_rest(now)
                stream.cut()
        oldest = self._oldest(now)
        if oldest is not None or self._link.is_dark:
            self._look_again(clock, oldest)

    def _oldest(self, now: float) -> float | None:
        """Return when the oldest byte was sent that has not arrived and can still be waited for."""
        sent = [stream.outgoing.unheard_since(now) for stream in self._link.streams.values()]
        return min((since for since in sent if since is not None), default=None)
