"""Injecting the faults of connections that stand.

They hit the end that was accepted, which is who answers: the server's, or on a link the end of
whoever was dialled.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from trio_lb.sim.faults.meddle import (
    Asking,
    BodyCut,
    Cut,
    HalfClose,
    Meddler,
    Talk,
    meddle,
    put_rule,
    put_valve,
)
from trio_lb.sim.faults.overlay import Heal, all_of, least
from trio_lb.sim.faults.record import Fault
from trio_lb.sim.faults.site import Injector, Site, count, number
from trio_lb.sim.faults.target import Sort
from trio_lb.sim.host import HostNetwork
from trio_lb.sim.link import Link
from trio_lb.sim.rule import Drip, End, Rule, Valve
from trio_lb.sim.stream import VirtualStream


def _places(site: Site, fault: Fault) -> Sequence[Link | HostNetwork]:
    if fault.target.sort is Sort.LINK:
        return site.links(fault)
    return [site.host(fault.target.names[0])]


def _ends(site: Site, fault: Fault) -> list[VirtualStream]:
    """Return the ends that stand there: of a link both, of a server its own."""
    if fault.target.sort is Sort.LINK:
        return [end for link in site.links(fault) for end in link.streams.values()]
    return site.net.streams_of(site.host(fault.target.names[0]).name)


def _on_answerers(site: Site, fault: Fault, meddler: Meddler) -> Heal:
    def choose(end: VirtualStream) -> Heal:
        return _nothing if end.has_dialled else meddler(end)

    return meddle(_places(site, fault), _ends(site, fault), choose)


def _nothing() -> None:
    """Nothing was done to this end."""


def _on_answers(site: Site, fault: Fault, make: Callable[[Talk], Rule]) -> Heal:
    def attach(end: VirtualStream) -> Heal:
        talk = Talk()
        questions = put_rule(end.incoming.rules, Asking(talk))
        return all_of([questions, put_rule(end.outgoing.rules, make(talk))])

    return _on_answerers(site, fault, attach)


def _reset(site: Site, fault: Fault) -> None:
    for end in _ends(site, fault):
        end.cut()
        end.remote.cut()


def _reset_after(site: Site, fault: Fault) -> Heal:
    most = count(fault, "bytes")
    return _on_answers(site, fault, lambda talk: Cut(talk, most, End.RESET))


def _reset_before_body(site: Site, fault: Fault) -> Heal:
    return _on_answers(site, fault, lambda talk: BodyCut(talk, 0, End.RESET))


def _fin_mid_body(site: Site, fault: Fault) -> Heal:
    most = count(fault, "bytes")
    return _on_answers(site, fault, lambda talk: BodyCut(talk, most, End.FIN))


def _half_close(site: Site, fault: Fault) -> Heal:
    def attach(end: VirtualStream) -> Heal:
        closing = HalfClose(end)
        rule = put_rule(end.incoming.rules, closing)
        return all_of([rule, put_valve(end.incoming.valves, closing)])

    return _on_answerers(site, fault, attach)


def _half_open(site: Site, fault: Fault) -> None:
    """Who answers sees a reset and says nothing more; the peer hears of it when it sends."""
    for end in _ends(site, fault):
        if not end.has_dialled:
            end.cut()


def _stalled_reader(site: Site, fault: Fault) -> Heal:
    return _on_answerers(site, fault, lambda end: put_valve(end.incoming.valves, Valve()))


def _trickle(site: Site, fault: Fault) -> Heal:
    size, every = count(fault, "bytes"), number(fault, "every")
    return _on_answerers(site, fault, lambda end: put_valve(end.outgoing.valves, Drip(size, every)))


def _idle_drop(site: Site, fault: Fault) -> Heal:
    """On a server: on every link to it that could be used by now."""
    idle, lay = number(fault, "idle"), site.overlays.lay
    return all_of([lay(link, "idle_drop_seconds", idle, least) for link in site.links(fault)])


STREAM: Final[Mapping[str, Injector]] = {
    "reset": _reset,
    "reset_after": _reset_after,
    "reset_before_body": _reset_before_body,
    "fin_mid_body": _fin_mid_body,
    "half_close": _half_close,
    "half_open": _half_open,
    "stalled_reader": _stalled_reader,
    "trickle": _trickle,
    "idle_drop": _idle_drop,
}
