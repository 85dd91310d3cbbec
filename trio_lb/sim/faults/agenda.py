"""The faults of a run on its clock: each begins at its instant and is healed at its end.

start --at--> INJECT --until--> HEALED          stop: heal what is there, forget what was to come
"""

import json
from collections.abc import Sequence
from functools import partial

from trio_lb.model.errors import ConfigError
from trio_lb.sim.clock import Call
from trio_lb.sim.faults.fit import refuse_misfit
from trio_lb.sim.faults.inject import inject
from trio_lb.sim.faults.kinds import KINDS
from trio_lb.sim.faults.overlay import Heal
from trio_lb.sim.faults.record import Fault, told_of
from trio_lb.sim.faults.shape import Lasts
from trio_lb.sim.faults.site import Site, World
from trio_lb.sim.happening import What


class Agenda:
    """Carries out faults in a world; a fault's number is its place in the list, from 0.

    What happens is told on the wire before it is done, so that the cause stands first.

    Raises:
      ConfigError: something in this world is not what a fault needs; with its number.
    """

    def __init__(self, world: World, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        self.site = Site(world)
        self._wire = world.wire
        self._calls: list[Call] = []
        self._heals: dict[int, Heal | None] = {}
        for number, fault in enumerate(self.faults):
            self._refuse_misfit(number, fault)

    def start(self) -> None:
        """Put all of them on the clock, those of one instant in their order.

        Who ends when another begins has ended then. What would be over already is left out,
        what would have begun begins now.
        """
        now = self.site.now
        to_come = [
            (number, fault)
            for number, fault in enumerate(self.faults)
            if fault.until is None or fault.until > now
        ]
        for number, fault in to_come:
            if fault.until is not None:
                self._plan(fault.until, partial(self._heal, number))
        for number, fault in to_come:
            self._plan(fault.at, partial(self._inject, number))

    def add(self, fault: Fault) -> None:
        """Put one more on the clock, in the middle of the run.

        Raises:
          ConfigError: something in this world is not what it needs.
        """
        number = len(self.faults)
        self._refuse_misfit(number, fault)
        self.faults = (*self.faults, fault)
        if fault.until is not None:
            self._plan(fault.until, partial(self._heal, number))
        self._plan(fault.at, partial(self._inject, number))

    def stop(self) -> None:
        """Heal all that is there, in the order in which it came, and let nothing more begin.

        What has no end is healed, too: a host that crashed for good comes back.
        """
        for call in self._calls:
            call.cancel()
        for number in list(self._heals):
            self._heal(number)

    @property
    def in_force(self) -> list[Fault]:
        """Return the faults that began and are not healed, those apart that only happen."""
        return [self.faults[number] for number in self._heals if not self._only_happens(number)]

    def _plan(self, at: float, make: Heal) -> None:
        self._calls.append(self.site.at(at, make))

    def _inject(self, number: int) -> None:
        fault = self.faults[number]
        args = json.dumps(self._told_args(fault), sort_keys=True)
        self._wire.tell(What.INJECT, str(fault.target), 0, 0, fault.kind, number, args)
        try:
            self._heals[number] = inject(self.site, fault)
        except ConfigError as error:
            raise told_of(fault, number, error) from None

    def _told_args(self, fault: Fault) -> dict[str, object]:
        """Return what is told of it: of a deployment also of how many servers it is."""
        (name, *_) = fault.target.names
        is_deployment = fault.kind == "deploy_wave"
        servers = len(self.site.world.behind.get(name, ())) if is_deployment else 0
        return dict(fault.args) | ({"servers": servers} if servers else {})

    def _refuse_misfit(self, number: int, fault: Fault) -> None:
        try:
            refuse_misfit(self.site, fault)
        except ConfigError as error:
            raise told_of(fault, number, error) from None

    def _heal(self, number: int) -> None:
        fault, heal = self.faults[number], self._heals.pop(number)
        if not self._only_happens(number):
            self._wire.tell(What.HEALED, str(fault.target), 0, 0, fault.kind, number)
        if heal is not None:
            heal()

    def _only_happens(self, number: int) -> bool:
        return KINDS[self.faults[number].kind].lasts is Lasts.INSTANT
