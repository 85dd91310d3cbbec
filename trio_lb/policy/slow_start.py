"""Slow start: a server that comes back is given its share little by little.

              RETURNED             RETURNED
                       .----------------<----.
        FULL ----------'---> RAMPING --------'
         |  ^ <---------------- |
         |  |  REACHED, LEFT
         |  |
         |  '-- RETURNED, LEFT --.
         '----- PRESUMED ---> PRESUMED_WARM

Share of its weight, for STEPS = 10, since its return, in tenths of ``seconds``:

    10 %  10 %  20 %  30 %  40 %  50 %  60 %  70 %  80 %  90 %  100 %
    |-----|-----|-----|-----|-----|-----|-----|-----|-----|-----|---->
    0     1     2     3     4     5     6     7     8     9     10

Rule 1: the state changes only in `_take`, only as TRANSITIONS says.
Rule 2: every return begins a ramp anew. The staircase never rises above the straight
        line from nothing to all, but it has a floor of one step: who is asked nothing
        never gets warm.
Rule 3: shares are relative. Servers that return together climb together, which is as
        if none did; who serves alone has everything, wherever its ramp stands.
Rule 4: servers of a pool's first plan are presumed warm (they ran before we did), until
        they are first found out of order: their first good verdict begins no ramp.
Rule 5: nothing waits or reads a clock; with ``seconds`` 0 nothing is even remembered.
"""

import enum
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import attrs

from trio_lb.model.errors import IllegalTransition
from trio_lb.model.events import Event

STEPS: Final = 10
"""In how many steps a share grows; the first one is the floor."""


class RampState(enum.Enum):
    """How much of its weight a server gets."""

    FULL = "full"
    PRESUMED_WARM = "presumed warm"
    RAMPING = "ramping"


class Signal(enum.Enum):
    """What moves it."""

    PRESUMED = "it stood in the pool's first plan"
    RETURNED = "it takes requests again, or for the first time"
    REACHED = "its ramp is over"
    LEFT = "it takes no requests"


TRANSITIONS: Final[Mapping[RampState, Mapping[Signal, RampState]]] = {
    RampState.FULL: {
        Signal.PRESUMED: RampState.PRESUMED_WARM,
        Signal.RETURNED: RampState.RAMPING,
    },
    RampState.PRESUMED_WARM: {
        Signal.RETURNED: RampState.FULL,
        Signal.LEFT: RampState.FULL,
    },
    RampState.RAMPING: {
        Signal.RETURNED: RampState.RAMPING,
        Signal.REACHED: RampState.FULL,
        Signal.LEFT: RampState.FULL,
    },
}


@attrs.define(slots=True)
class _Ramp:
    """What is known of a server that is not simply FULL."""

    state: RampState = RampState.FULL
    began_at: float = 0.0
    step: int = STEPS


class SlowStart:
    """The ramps of one pool's servers; satisfies ``Machine``, but publishes nothing.

    ``changed`` names the servers whose step the last ``on_deadline`` or ``configure``
    changed, so that the pool can weigh them anew.
    """

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.changed: tuple[str, ...] = ()
        self._ramps: dict[str, _Ramp] = {}
        self._deadline: float | None = None

    # -- what others ask

    @property
    def is_ramping(self) -> bool:
        """Whether any server has less than its full share."""
        return self._deadline is not None

    @property
    def deadline(self) -> float | None:
        """When the next step of any ramp is due."""
        return self._deadline

    def step_of(self, server_id: str) -> int:
        """Return how many of STEPS parts of its weight the server gets, in [1, STEPS]."""
        ramp = self._ramps.get(server_id)
        return STEPS if ramp is None else ramp.step

    def ramp_of(self, server_id: str) -> float:
        """Return the share of its weight that the server gets, in [0.1, 1]."""
        return self.step_of(server_id) / STEPS

    # -- what happens

    def presume_warm(self, server_ids: Iterable[str]) -> None:
        """Let the first ``begin`` of these be none, unless they are found bad before it."""
        if self.seconds > 0:
            for server_id in server_ids:
                if server_id not in self._ramps:
                    self._take(server_id, Signal.PRESUMED)

    def begin(self, server_id: str, now: float) -> None:
        """The server takes requests from now on, and did not before."""
        if self.seconds <= 0:
            return
        was = self._take(server_id, Signal.RETURNED, now)
        if was is RampState.RAMPING:
            self._settle()
        elif was is RampState.FULL:
            # Many may return at once: nobody else's step has moved, so only look at this one.
            due_at = self._due_at(self._ramps[server_id], 2)
            self._deadline = due_at if self._deadline is None else min(self._deadline, due_at)

    def forget(self, server_id: str) -> None:
        """The server takes no requests any more, or was found out of order, or is gone."""
        if server_id in self._ramps and self._take(server_id, Signal.LEFT) is RampState.RAMPING:
            self._settle()

    def on_deadline(self, now: float) -> Sequence[Event]:
        """Take the steps that are due; ``changed`` says whose. A ramp is no news."""
        changed = []
        for server_id, ramp in list(self._ramps.items()):
            step = self._step_at(ramp, now)
            if step == ramp.step:
                continue
            changed.append(server_id)
            ramp.step = step
            if step == STEPS:
                self._take(server_id, Signal.REACHED)
        self.changed = tuple(changed)
        self._settle()
        return ()

    def configure(self, seconds: float, now: float) -> None:
        """Let ramps take ``seconds`` from now on; those under way too, counted from their start."""
        self.seconds = seconds
        self.on_deadline(now)
        if seconds <= 0:
            self._ramps.clear()  # what is left are presumptions

    # -- the staircase

    def _step_at(self, ramp: _Ramp, now: float) -> int:
        """Return the highest step whose instant has come; no reload takes one back."""
        if self.seconds <= 0:
            return STEPS
        step = ramp.step
        while step < STEPS and self._due_at(ramp, step + 1) <= now:
            step += 1
        return step

    def _due_at(self, ramp: _Ramp, step: int) -> float:
        return ramp.began_at + self.seconds * step / STEPS

    def _settle(self) -> None:
        self._deadline = min(
            (
                self._due_at(ramp, ramp.step + 1)
                for ramp in self._ramps.values()
                if ramp.state is RampState.RAMPING
            ),
            default=None,
        )

    # -- the one place where state changes

    def _take(self, server_id: str, signal: Signal, now: float = 0.0) -> RampState:
        """Do as the table says; return the state before."""
        ramp = self._ramps.setdefault(server_id, _Ramp())
        new = TRANSITIONS[ramp.state].get(signal)
        if new is None:
            raise IllegalTransition(
                f"slow start of {server_id}: {signal.name} in {ramp.state.name}"
            )
        before, ramp.state = ramp.state, new
        if new is RampState.FULL:
            del self._ramps[server_id]
        elif new is RampState.RAMPING:
            ramp.began_at, ramp.step = now, 1
        return before

    # -- how it outlives a reload

    def snapshot(self) -> Mapping[str, Any]:
        """Return the ramps under way, by server id."""
        return {
            "servers": {
                server_id: {**attrs.asdict(ramp), "state": ramp.state.value}
                for server_id, ramp in self._ramps.items()
            }
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on where ``snapshot`` was taken; ``forget`` whoever is not in the pool now."""
        if self.seconds <= 0:
            return
        known = {field.name for field in attrs.fields(_Ramp)}
        for server_id, values in state.get("servers", {}).items():
            values = {key: value for key, value in values.items() if key in known}
            values["state"] = RampState(values.get("state", RampState.FULL.value))
            self._ramps[server_id] = _Ramp(**values)
        self._settle()
