"""Injecting the faults of clients: what those do who ask.

How a client asks is changed by a ``Habit`` among its own; see ``inject_app`` for overlaps.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from trio_lb.config.kinds import suggestion
from trio_lb.model.errors import ConfigError
from trio_lb.sim.actors.asking import Asking, Habit, HugeHead, LeavesAfter, SlowBody, SlowHead
from trio_lb.sim.actors.client import ClientActor
from trio_lb.sim.faults.inject_app import hits, put
from trio_lb.sim.faults.overlay import Heal, add
from trio_lb.sim.faults.record import Fault
from trio_lb.sim.faults.site import Injector, Site, count, number


def _client(site: Site, fault: Fault) -> ClientActor:
    (name,) = fault.target.names
    known = site.world.clients_by_name
    actor = known.get(name)
    if actor is not None and not isinstance(actor, ClientActor):
        raise ConfigError(f"'{name}' does not ask by HTTP alone: {fault.kind} needs who does")
    if actor is None:
        hint = suggestion(name, tuple(known)) or f"; there are: {', '.join(known) or 'none'}"
        raise ConfigError(f"there is no client '{name}'{hint}")
    return actor


def _with_habit(site: Site, fault: Fault, habit: Habit) -> Heal:
    may = hits(site, fault)

    def some(asking: Asking) -> None:
        if may():
            habit(asking)

    return put(_client(site, fault).habits, some)


def _abort(site: Site, fault: Fault) -> Heal:
    return _with_habit(site, fault, LeavesAfter(count(fault, "bytes")))


def _slowloris_head(site: Site, fault: Fault) -> Heal:
    return _with_habit(site, fault, SlowHead(number(fault, "every")))


def _slowloris_body(site: Site, fault: Fault) -> Heal:
    return _with_habit(site, fault, SlowBody(number(fault, "every")))


def _huge_headers(site: Site, fault: Fault) -> Heal:
    return _with_habit(site, fault, HugeHead(count(fault, "bytes")))


def _deepest(base: int, shares: Sequence[int]) -> int:
    return max(base, *shares)


def _pipelining(site: Site, fault: Fault) -> Heal:
    return site.overlays.lay(_client(site, fault), "depth", count(fault, "depth"), _deepest)


def _retry_burst(site: Site, fault: Fault) -> Heal:
    more = count(fault, "retries")
    return site.overlays.lay(_client(site, fault), "extra_retries", more, add)


CLIENT: Final[Mapping[str, Injector]] = {
    "abort": _abort,
    "slowloris_head": _slowloris_head,
    "slowloris_body": _slowloris_body,
    "pipelining": _pipelining,
    "huge_headers": _huge_headers,
    "retry_burst": _retry_burst,
}
