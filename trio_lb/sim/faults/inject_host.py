"""Injecting the faults of hosts."""

from collections.abc import Mapping
from functools import partial
from typing import Final

from trio_lb.model.errors import ConfigError
from trio_lb.sim.clock import Call
from trio_lb.sim.cpu import Cpu
from trio_lb.sim.faults.overlay import Heal, add, all_of, multiply, worst_of
from trio_lb.sim.faults.record import Fault
from trio_lb.sim.faults.site import Injector, Site, number
from trio_lb.sim.faults.target import REACHES_PROGRAMS
from trio_lb.sim.link import Connects

WARM_UP_STEPS: Final = 20
"""In how many steps a server becomes as fast as ever."""

_CONNECTS: Final = worst_of(Connects.PASS, Connects.REFUSE, Connects.BLACKHOLE)


def _name(fault: Fault) -> str:
    (name,) = fault.target.names
    return name


def _hold_down(site: Site, name: str, *, fin: bool) -> Heal:
    machine, host = site.machine(name), site.host(name)
    kill = partial(machine.crash, fin=fin)
    if name in site.world.balancers and site.overlays.is_held(host, "down"):
        kill()  # It may only drain so far.
    return site.overlays.hold(host, "down", kill, machine.restart)


def _crash(site: Site, fault: Fault) -> Heal:
    return _hold_down(site, _name(fault), fin=bool(fault.args["fin"]))


def restart(site: Site, name: str, down_seconds: float) -> Heal:
    """Kill a process, and start it again so much later; return what starts it at once."""
    up = _hold_down(site, name, fin=True)
    call = site.after(down_seconds, up)
    return all_of([call.cancel, up])


def _restart(site: Site, fault: Fault) -> Heal:
    return restart(site, _name(fault), number(fault, "down"))


def _drain(site: Site, fault: Fault) -> Heal:
    name, grace = _name(fault), number(fault, "grace")
    balancer = site.world.balancers.get(name)
    if balancer is not None:
        return site.overlays.hold(
            site.host(name), "down", partial(balancer.drain, grace), balancer.restart
        )
    return _Draining(site, name, grace).end


class _Draining:
    """A server that refuses who dials, answers on what it has, and exits when its grace is over."""

    def __init__(self, site: Site, name: str, grace_seconds: float) -> None:
        self._site = site
        self._name = name
        host = site.host(name)
        self._heals = [site.overlays.lay(host, "connects", Connects.REFUSE, _CONNECTS)]
        self._exit = site.after(grace_seconds, self._leave)

    def _leave(self) -> None:
        self._heals.append(_hold_down(self._site, self._name, fin=True))

    def end(self) -> None:
        """Be there again, as a new process if the old one had left."""
        self._exit.cancel()
        for heal in self._heals:
            heal()


def _pause(site: Site, fault: Fault) -> Heal:
    name = _name(fault)
    machine = site.machine(name)
    return site.overlays.hold(site.host(name), "paused", machine.pause, machine.resume)


def _slow(site: Site, name: str, factor: float) -> Heal:
    server = site.world.servers.get(name)
    if server is not None:
        return site.overlays.lay(server, "slow_factor", factor, multiply)
    return site.overlays.lay(slowed(site, name), "factor", factor, multiply)


def slowed(site: Site, name: str) -> Cpu:
    """Return the processor of a host that is no server's, if what it does costs time."""
    cpu = site.host(name).cpu
    if cpu is not None:
        return cpu
    raise ConfigError(
        f"host '{name}' cannot be slow, for what it does costs no time: {_no_cpu(site, name)}"
    )


def _no_cpu(site: Site, name: str) -> str:
    if name in site.world.programs:
        return f"sim.host gives a program no processor; {REACHES_PROGRAMS}"
    if name in site.world.balancers:
        return "give the balancer a processor, sim.balancer(..., cpu=CpuCost())"
    return "it has no processor"


def _slow_cpu(site: Site, fault: Fault) -> Heal:
    return _slow(site, _name(fault), number(fault, "x"))


class _WarmingUp:
    """Slow at first, and less so at each step, in a straight line."""

    def __init__(self, site: Site, fault: Fault) -> None:
        self._site = site
        self._fault = fault
        self._step = 0
        self._heal = _slow(site, _name(fault), number(fault, "x"))
        self._next = self._plan()

    def _plan(self) -> Call:
        return self._site.after(number(self._fault, "ramp") / WARM_UP_STEPS, self._get_faster)

    def _get_faster(self) -> None:
        self._step += 1
        self._heal()
        if self._step < WARM_UP_STEPS:
            share = 1.0 - self._step / WARM_UP_STEPS
            factor = 1.0 + (number(self._fault, "x") - 1.0) * share
            self._heal = _slow(self._site, _name(self._fault), factor)
            self._next = self._plan()

    def end(self) -> None:
        """Be as fast as ever at once."""
        self._next.cancel()
        self._heal()


def _warm_up(site: Site, fault: Fault) -> Heal:
    return _WarmingUp(site, fault).end


def _clock_skew(site: Site, fault: Fault) -> Heal:
    return site.overlays.lay(site.env(_name(fault)), "epoch", number(fault, "shift"), add)


def _clock_jump(site: Site, fault: Fault) -> None:
    """A share that is never taken back, so that skews that overlap it heal rightly."""
    _clock_skew(site, fault)


HOST: Final[Mapping[str, Injector]] = {
    "crash": _crash,
    "restart": _restart,
    "drain": _drain,
    "pause": _pause,
    "slow_cpu": _slow_cpu,
    "warm_up": _warm_up,
    "clock_skew": _clock_skew,
    "clock_jump": _clock_jump,
}
