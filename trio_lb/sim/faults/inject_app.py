"""Injecting the faults of servers: what they answer, or refuse to.

What a server says wrongly is a ``Conduct`` among its own, what it refuses a ``Gate``: each fault
adds one and takes just that one away again, so that several at once make their changes one after
the other, in the order in which they began.
"""

import math
import random
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final, TypeVar

from trio_lb.model.errors import ConfigError
from trio_lb.sim.actors.conduct import Answer, Conduct, Gate, Then
from trio_lb.sim.actors.server import ServerActor
from trio_lb.sim.faults.overlay import Heal, least, multiply, newest
from trio_lb.sim.faults.record import Fault
from trio_lb.sim.faults.site import Injector, Site, count, number
from trio_lb.sim.faults.target import needs_model

E = TypeVar("E")


def modelled(site: Site, fault: Fault) -> ServerActor:
    """Return the server that is hit; what only has its name has no answers that could be wrong."""
    name = site.host(fault.target.names[0]).name
    actor = site.world.servers.get(name)
    if not isinstance(actor, ServerActor):
        raise _not_modelled(name, fault)
    return actor


def _not_modelled(name: str, fault: Fault) -> ConfigError:
    return ConfigError(f"'{name}' is no server of the simulation, and {needs_model(fault.kind)}")


def put(into: list[E], item: E) -> Heal:
    """Append it; the heal removes it, whatever was added since."""
    into.append(item)

    def heal() -> None:
        if item in into:
            into.remove(item)

    return heal


def hits(site: Site, fault: Fault) -> Callable[[], bool]:
    """Return what says by chance whether the next request is hit; a share of 1 draws nothing."""
    share, rng = number(fault, "share"), site.rng(fault)
    return partial(_draws, share, rng)


def _draws(share: float, rng: random.Random) -> bool:
    return share >= 1.0 or rng.random() < share


# What it refuses.


def _refuse(status: int, more: str, may: Callable[[], bool]) -> Answer | None:
    return Answer("", status, b"no", more) if may() else None


def _errors(site: Site, fault: Fault) -> Heal:
    gate: Gate = partial(_refuse, count(fault, "status"), "", hits(site, fault))
    return put(modelled(site, fault).gates, gate)


def _error_burst(site: Site, fault: Fault) -> Heal:
    left = count(fault, "length")

    def may() -> bool:
        nonlocal left
        left -= 1
        return left >= 0

    gate: Gate = partial(_refuse, count(fault, "status"), "", may)
    return put(modelled(site, fault).gates, gate)


def _too_busy(site: Site, fault: Fault) -> Heal:
    more = f"Retry-After: {math.ceil(number(fault, 'retry_after'))}\r\n"
    gate: Gate = partial(_refuse, count(fault, "status"), more, hits(site, fault))
    return put(modelled(site, fault).gates, gate)


# What it answers wrongly.


def _changed(site: Site, fault: Fault, change: Conduct) -> Heal:
    may = hits(site, fault)

    def conduct(answer: Answer) -> None:
        if may():
            change(answer)

    return put(modelled(site, fault).conducts, conduct)


def _wrong_content_length(site: Site, fault: Fault) -> Heal:
    by = count(fault, "by")

    def change(answer: Answer) -> None:
        answer.promised = max(0, len(answer.body) + by)

    return _changed(site, fault, change)


def _truncated_chunked(site: Site, fault: Fault) -> Heal:
    def change(answer: Answer) -> None:
        answer.lacks_last_chunk, answer.then = True, Then.CLOSE

    return _changed(site, fault, change)


def _endless_response(site: Site, fault: Fault) -> Heal:
    def change(answer: Answer) -> None:
        answer.then = Then.ENDLESS

    return _changed(site, fault, change)


def _split(answer: Answer) -> None:
    """An empty answer whose last field holds another answer, which has the body."""
    second = f"HTTP/1.1 200 OK\r\nContent-Length: {len(answer.body)}\r\n"
    answer.more += f"X-Next: /\r\n\r\n{second}X-Served-By: {answer.server}\r\n"
    answer.promised = 0
    answer.is_wrong = True  # Whatever else is done to it: whose bytes are whose, nobody can tell.


def _response_splitting(site: Site, fault: Fault) -> Heal:
    return _changed(site, fault, _split)


# What it is.


def _slow(site: Site, fault: Fault) -> Heal:
    name = site.host(fault.target.names[0]).name
    server = site.world.servers.get(name)
    if server is None:
        raise _not_modelled(name, fault)
    return site.overlays.lay(server, "slow_factor", number(fault, "x"), multiply)


def _health_lies(site: Site, fault: Fault) -> Heal:
    told = 200 if fault.args["answer"] == "ok" else 503
    return site.overlays.lay(modelled(site, fault), "health_told", told, newest)


def _memory_limit(site: Site, fault: Fault) -> Heal:
    most = number(fault, "bytes")
    return site.overlays.lay(modelled(site, fault), "memory_limit", most, least)


APP: Final[Mapping[str, Injector]] = {
    "memory_limit": _memory_limit,
    "slow": _slow,
    "errors": _errors,
    "error_burst": _error_burst,
    "wrong_content_length": _wrong_content_length,
    "truncated_chunked": _truncated_chunked,
    "endless_response": _endless_response,
    "too_busy": _too_busy,
    "health_lies": _health_lies,
    "response_splitting": _response_splitting,
}
