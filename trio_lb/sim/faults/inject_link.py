"""Injecting the faults of links."""

import math
import random
from collections.abc import Mapping
from functools import partial
from typing import Final

from trio_lb.sim.clock import Call
from trio_lb.sim.faults.overlay import Heal, add, all_of, least, lost_by_any
from trio_lb.sim.faults.record import Fault
from trio_lb.sim.faults.site import Injector, Site, number
from trio_lb.sim.link import Link, Path


def _latency(site: Site, fault: Fault) -> Heal:
    return site.lay_on_paths(fault, "latency_seconds", number(fault, "shift"), add)


def _jitter(site: Site, fault: Fault) -> Heal:
    return site.lay_on_paths(fault, "jitter_seconds", number(fault, "most"), add)


def _bandwidth(site: Site, fault: Fault) -> Heal:
    return site.lay_on_paths(fault, "bandwidth_bytes_per_second", number(fault, "rate"), least)


def _bufferbloat(site: Site, fault: Fault) -> Heal:
    """The queue of several that overlap is the shortest, as the rate is the lowest."""
    queue = site.lay_on_paths(fault, "queue_bytes", number(fault, "queue"), least)
    return all_of([_bandwidth(site, fault), queue])


def _loss(site: Site, fault: Fault) -> Heal:
    return site.lay_on_paths(fault, "loss", number(fault, "share"), lost_by_any)


def _partition(site: Site, fault: Fault) -> Heal:
    return all_of([site.hold_cut(link, path) for link, path in site.paths(fault)])


def _jam(site: Site, fault: Fault) -> Heal:
    return all_of([site.hold_jam(link, path) for link, path in site.paths(fault)])


class _Flapping:
    """Down at once, up after a while, down again, until it is healed."""

    def __init__(self, site: Site, fault: Fault) -> None:
        self._site = site
        self._fault = fault
        self._heal: Heal = _nothing
        self._next: Call | None = None
        self._go_down()

    def _go_down(self) -> None:
        self._heal = _partition(self._site, self._fault)
        self._next = self._site.after(number(self._fault, "down"), self._go_up)

    def _go_up(self) -> None:
        self._heal()
        self._next = self._site.after(number(self._fault, "up"), self._go_down)

    def end(self) -> None:
        """Come up for good."""
        if self._next is not None:
            self._next.cancel()
        self._heal()


def _flap(site: Site, fault: Fault) -> Heal:
    return _Flapping(site, fault).end


def _swizzle_clog(site: Site, fault: Fault) -> Heal:
    """Stop the links one after the other and free them in another order, the last at the end.

    A link whose turn to be freed would come before its turn to be stopped is left in peace:
    what is said to end at an instant has ended then.
    """
    rng, step = site.rng(fault), number(fault, "step")
    links = site.links(fault)
    until = math.inf if fault.until is None else fault.until
    stops, frees = _shuffled(links, rng), _shuffled(links, rng)
    calls: list[Call] = []
    heals: list[Heal] = []
    for turn, link in enumerate(stops):
        stop_at = fault.at + turn * step
        free_at = until - (len(frees) - 1 - frees.index(link)) * step
        if stop_at < free_at:
            calls.append(site.at(stop_at, partial(_clog, site, link, free_at, calls, heals)))

    def heal() -> None:
        for call in calls:
            call.cancel()
        for each in heals:
            each()

    return heal


def _clog(site: Site, link: Link, free_at: float, calls: list[Call], heals: list[Heal]) -> None:
    paths: list[Path] = [link.path_from(end) for end in link.ends]
    free = all_of([site.hold_cut(link, path) for path in paths])
    heals.append(free)
    if free_at < math.inf:
        calls.append(site.at(free_at, free))


def _shuffled(links: list[Link], rng: random.Random) -> list[Link]:
    """By ``random()`` alone, whose numbers every version of Python keeps."""
    pool = list(links)
    return [pool.pop(int(rng.random() * len(pool))) for _ in links]


def _nothing() -> None:
    """Nothing to heal yet."""


LINK: Final[Mapping[str, Injector]] = {
    "latency": _latency,
    "jitter": _jitter,
    "bandwidth": _bandwidth,
    "bufferbloat": _bufferbloat,
    "loss": _loss,
    "flap": _flap,
    "partition": _partition,
    "jam": _jam,
    "swizzle_clog": _swizzle_clog,
}
