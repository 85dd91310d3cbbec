"""Connecting without a task: what ``HostNetwork.connect`` does, for actors.

look the name up, if it is one --> knock at its first address --> failed? at the next one
                                             '--> on_done(stream) or on_done(error), once
"""

from collections.abc import Callable
from typing import TypeAlias

import attrs

from trio_lb.model.address import Address
from trio_lb.net.env import ConnectError
from trio_lb.sim.clock import Call, DesClock
from trio_lb.sim.handshake import Handshake
from trio_lb.sim.host import HostNetwork
from trio_lb.sim.stream import VirtualStream

Outcome: TypeAlias = VirtualStream | ConnectError


class Dialling:
    """One attempt to connect. ``on_done`` is called once, from the clock, unless it is left."""

    __slots__ = ("_address", "_call", "_clock", "_handshake", "_host", "_hosts", "_on_done")

    def __init__(
        self,
        clock: DesClock,
        host: HostNetwork,
        address: Address,
        on_done: Callable[[Outcome], object],
    ) -> None:
        self._clock = clock
        self._host = host
        self._address = address
        self._on_done = on_done
        self._hosts: list[str] = []
        self._handshake: Handshake | None = None
        at = clock.current_time() + host.lookup_seconds(address.host)
        self._call: Call = clock.call_at(at, self._look_up)

    def _look_up(self) -> None:
        try:
            self._hosts = list(self._host.look_up(self._address.host))
        except ConnectError as error:
            self._done(error)
        else:
            self._next()

    def _next(self) -> None:
        """Knock at the next address."""
        target = attrs.evolve(self._address, host=self._hosts.pop(0))
        try:
            self._handshake = self._host.knock(target, self._address)
        except ConnectError as error:
            self._heed(error)
        else:
            self._handshake.start(self._clock, self._answered)

    def _answered(self) -> None:
        outcome = None if self._handshake is None else self._handshake.outcome
        assert outcome is not None, "it is over"
        self._heed(outcome)

    def _heed(self, outcome: Outcome) -> None:
        if isinstance(outcome, ConnectError) and self._hosts:
            self._next()
        else:
            self._done(outcome)

    def _done(self, outcome: Outcome) -> None:
        on_done, self._on_done = self._on_done, _nobody
        self._handshake = None
        on_done(outcome)

    def leave(self) -> None:
        """Give up; nothing is left of it, and nobody is told."""
        self._on_done = _nobody
        self._call.cancel()
        if self._handshake is not None:
            self._handshake.leave()


def _nobody(_: Outcome) -> None:
    """Whoever dialled knows already, or has left."""
