"""What a fault hits: a thing with a name, or something that is still to be drawn.

A ``Target`` is certain and stands in records. An ``Aim`` stands in schedules: it may
name a zone, or leave it to chance which of the servers it will be, and becomes
targets when there is a topology to aim at.
"""

import itertools
import random
import re
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Final, Protocol

import attrs

from trio_lb.config.kinds import Refused, show, suggestion
from trio_lb.config.knobs import count
from trio_lb.config.nodes import Node

_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_ODD: Final = re.compile(r"[^A-Za-z0-9_.-]")
_COUNT: Final = count(1, 10_000)
_MOST_NAMES: Final = 10
"""So many of the names that there are are told to whoever takes a wrong one."""


class Sort(Enum):
    """What kind of thing is hit."""

    LINK = "link"
    HOST = "host"
    SERVER = "server"
    CLIENT = "client"
    RESOLVER = "resolver"
    LB = "lb"
    POINT = "point"
    ZONE = "zone"
    """Only aimed at: it stands for the hosts or servers in it, or for one end of a link."""


GROUPS: Final[Mapping[str, Sort]] = {
    "servers": Sort.SERVER,
    "hosts": Sort.HOST,
    "clients": Sort.CLIENT,
    "zones": Sort.ZONE,
}
"""What can be drawn from."""
_GROUP_NAMES: Final = ", ".join(GROUPS)


def plain_name(text: str) -> str:
    """Return what faults call a server whose configuration, and log, calls it ``text``.

    One without a name of its own is called by its address: ``10.1.0.1:8080`` is ``10.1.0.1-8080``.
    """
    return _ODD.sub("-", text.lstrip("[:-.") or text)


class Topology(Protocol):
    """The names in a simulated world, each list in the order in which things were made.

    ``clients`` ask by HTTP; ``websockets`` talk, and are hit only by what hits links and hosts.
    ``programs`` are those of the user's own that a balancer has among its servers: they count as
    servers for all that does not need a modelled one.
    """

    @property
    def servers(self) -> Sequence[str]: ...
    @property
    def programs(self) -> Sequence[str]: ...
    @property
    def hosts(self) -> Sequence[str]: ...
    @property
    def clients(self) -> Sequence[str]: ...
    @property
    def websockets(self) -> Sequence[str]: ...
    @property
    def zones(self) -> Sequence[str]: ...

    def zone_of(self, name: str) -> str | None:
        """Return the zone of a host or a server; None: it is in none."""
        ...


@attrs.frozen(slots=True)
class Target:
    """One thing, or the two ends of a link; an end is a host or ``zone:NAME``."""

    sort: Sort
    names: tuple[str, ...]

    def to_data(self) -> object:
        """Return ``server:s1``, or ``{"link": ["lb", "zone:b"]}``."""
        return _written(self.sort, self.names)

    def __str__(self) -> str:
        return f"{self.sort.value}:{'~'.join(self.names)}"


@attrs.frozen(slots=True)
class Drawn:
    """So many different ones of a group, by chance."""

    group: str
    count: int = 1

    def to_data(self) -> dict[str, object]:
        """Return ``{"random": "servers"}``."""
        return {"random": self.group} | ({"count": self.count} if self.count > 1 else {})


@attrs.frozen(slots=True)
class Aim:
    """A target that may still be open."""

    sort: Sort
    ends: tuple[str | Drawn, ...]

    def to_data(self) -> object:
        """Return what ``read_aim`` makes the same aim of."""
        ends = [end.to_data() if isinstance(end, Drawn) else end for end in self.ends]
        return _written(self.sort, ends)

    def certain(self) -> Target | None:
        """Return the target that is meant, if that is one and already certain."""
        if self.sort is Sort.ZONE:
            return None
        names = tuple(end for end in self.ends if isinstance(end, str))
        return Target(self.sort, names) if len(names) == len(self.ends) else None

    def targets(
        self,
        wanted: Sequence[Sort],
        topology: Topology,
        rng: random.Random,
        *,
        modelled: str = "",
    ) -> list[Target]:
        """Return what is hit this time; ``wanted`` says what a zone stands for.

        ``modelled`` is the name of a kind that needs servers of the simulation, and no programs.

        Raises:
          Refused: a name is unknown here, or there is nothing to draw from.
        """
        view = _View(topology, wanted, modelled)
        if self.sort is Sort.LINK:
            return _links(self.ends, view, rng)
        names = _hit(self.ends[0], self.sort, view, rng, ())
        if self.sort is not Sort.ZONE:
            return [Target(self.sort, (name,)) for name in names]
        sort = Sort.SERVER if Sort.SERVER in wanted else Sort.HOST
        return [Target(sort, (name,)) for zone in names for name in view.members(zone, sort)]


@attrs.frozen(slots=True)
class _View:
    """A topology as a fault of one kind sees it."""

    topology: Topology
    wanted: Sequence[Sort]
    modelled: str

    def known(self, sort: Sort) -> Sequence[str]:
        """Return the names of a sort; programs that serve are servers, if the kind reaches them."""
        topology = self.topology
        match sort:
            case Sort.SERVER:
                return topology.servers if self.modelled else _serving(topology)
            case Sort.HOST:
                return topology.hosts
            case Sort.CLIENT:
                return topology.clients
            case Sort.ZONE:
                return topology.zones
        return ()

    def members(self, zone: str, sort: Sort) -> list[str]:
        """Return who is in a zone, somebody at least."""
        names = [name for name in self.known(sort) if self.topology.zone_of(name) == zone]
        if not names:
            raise Refused(f"there is no {sort.value} in zone '{zone}'")
        return names

    def refuse_host(self, name: str) -> None:
        """Refuse a host's name where a server's is wanted, and say what could be meant."""
        if name in self.known(Sort.SERVER) or name not in self.topology.hosts:
            return
        if self.modelled:
            raise Refused(
                f"'{name}' is no server of the simulation, and {needs_model(self.modelled)}"
            )
        if Sort.HOST in self.wanted:
            raise Refused(f"there is no server '{name}', but a host: the target is host:{name}")
        raise Refused(
            f"'{name}' is no server: no balancer has it among its own;"
            f" on the way to it acts {{link: [NAME, {name}]}}"
        )


def needs_model(kind: str) -> str:
    """Say that a kind needs a modelled server, and what acts on programs."""
    return f"{kind} needs one (sim.server); {REACHES_PROGRAMS}"


REACHES_PROGRAMS: Final = (
    "a program of yours is reached by crash, restart, drain and pause, by slow_accept and refuse,"
    " and on its links by latency, bandwidth, loss and partition"
)


def _links(ends: tuple[str | Drawn, ...], view: _View, rng: random.Random) -> list[Target]:
    """The second end is never drawn to be the first: such a link would not be one."""
    near = _ends(ends[0], view, rng, ())
    far = _ends(ends[1], view, rng, near)
    return [Target(Sort.LINK, pair) for pair in itertools.product(near, far)]


def _ends(end: str | Drawn, view: _View, rng: random.Random, without: Sequence[str]) -> list[str]:
    if isinstance(end, Drawn):
        zone = "zone:" if end.group == "zones" else ""
        taken = [name.removeprefix("zone:") for name in without]
        drawn = _hit(end, GROUPS[end.group], view, rng, taken)
        return [zone + name for name in drawn]
    sort, _, name = end.rpartition(":")
    if sort:
        _check(name, "zone", view.topology.zones)
    else:
        _check(name, "host", _housed(view.topology))
    return [end]


def _hit(
    end: str | Drawn, sort: Sort, view: _View, rng: random.Random, without: Sequence[str]
) -> list[str]:
    known = view.known(sort)
    if isinstance(end, Drawn):
        return _draw(end, [name for name in known if name not in without], view, rng)
    if sort is Sort.CLIENT and end in view.topology.websockets:
        raise Refused(f"'{end}' talks by WebSocket; faults of clients hit who asks by HTTP alone")
    if sort in GROUPS.values():
        if sort is Sort.SERVER:
            view.refuse_host(end)
        _check(end, sort.value, _housed(view.topology) if sort is Sort.HOST else known)
    return [end]


def _draw(drawn: Drawn, pool: list[str], view: _View, rng: random.Random) -> list[str]:
    """By ``random()`` alone, whose numbers every version of Python keeps."""
    if len(pool) < drawn.count:
        why = (
            f"; {needs_model(view.modelled)}" if drawn.group == "servers" and view.modelled else ""
        )
        wanted = f"{drawn.count} of the {drawn.group} are wanted"
        raise Refused(f"{wanted}, there are {len(pool)}{why}")
    return [pool.pop(int(rng.random() * len(pool))) for _ in range(drawn.count)]


def _serving(topology: Topology) -> Sequence[str]:
    return [*topology.servers, *topology.programs]


def _housed(topology: Topology) -> Sequence[str]:
    """Return whoever has a host: servers and clients live on one, too, that bears their name."""
    asking = (*topology.clients, *topology.websockets)
    return list(dict.fromkeys((*topology.hosts, *topology.servers, *asking)))


def _check(name: str, noun: str, known: Sequence[str]) -> None:
    if name not in known:
        hint = suggestion(name, tuple(known)) or f"; there are: {_listed(known)}"
        raise Refused(f"there is no {noun} '{name}'{hint}")


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMES
    told = ", ".join(names[:_MOST_NAMES]) or "none"
    return f"{told} and {more} more" if more > 0 else told


def _written(sort: Sort, ends: Sequence[object]) -> object:
    if sort is Sort.LINK:
        return {"link": list(ends)}
    return f"{sort.value}:{ends[0]}" if isinstance(ends[0], str) else ends[0]


def read_aim(node: Node) -> Aim | None:
    """Return what a schedule's ``target`` says; None when that was refused."""
    match node.value:
        case Mapping() if "link" in node.value:
            return _read_link(node)
        case Mapping():
            drawn = _read_drawn(node)
            return None if drawn is None else Aim(GROUPS[drawn.group], (drawn,))
        case str():
            return _read_text(node, node.value)
    node.refuse(f"{show(node.value)} is not a target; {_FORMS}")
    return None


_FORMS: Final = (
    "write server:NAME (or host, client, zone, resolver, point, lb),"
    " {link: [NAME, zone:NAME]} or {random: servers}"
)


def _read_text(node: Node, text: str) -> Aim | None:
    if text == "lb":
        return Aim(Sort.LB, ("lb",))
    word, colon, name = text.partition(":")
    if word == Sort.LINK.value and colon:
        return _read_link_text(node, text, name)
    if word in (Sort.SERVER.value, Sort.HOST.value) and ":" in name:
        name = plain_name(name)
    sorts = [sort.value for sort in Sort if sort is not Sort.LINK]
    if word not in sorts or not _NAME.fullmatch(name):
        hint = suggestion(word, tuple(sorts)) if colon and word not in sorts else ""
        node.refuse(f"{show(text)} is not a target{hint or f'; {_FORMS}'}")
        return None
    return Aim(Sort(word), (name,))


def _read_link_text(node: Node, text: str, names: str) -> Aim | None:
    """Return what ``link:lb~s1`` says, as traces and reports write a link."""
    ends = [_end_name(end) for end in names.split("~")]
    if len(ends) == 2 and all(_is_end(end) for end in ends) and ends[0] != ends[1]:
        return Aim(Sort.LINK, tuple(ends))
    node.refuse(f"{show(text)} is no link; write {{link: [NAME, NAME]}} or link:NAME~NAME")
    return None


def _end_name(text: str) -> str:
    return text if text.startswith("zone:") else plain_name(text) if ":" in text else text


def _is_end(text: str) -> bool:
    return _NAME.fullmatch(text.removeprefix("zone:")) is not None


def _read_link(node: Node) -> Aim | None:
    node.refuse_unknown(["link"])
    items = node.mapping()["link"].items("a list of two ends")
    ends = [_read_end(item) for item in items]
    whole = [end for end in ends if end is not None]
    if len(items) != 2:
        node.refuse(f"a link has two ends, and this one {len(items)}")
    elif len(whole) == 2:
        if whole[0] != whole[1] or isinstance(whole[0], Drawn):
            return Aim(Sort.LINK, tuple(whole))
        node.refuse(f"both ends of this link are {show(whole[0])}")
    return None


def _read_end(node: Node) -> str | Drawn | None:
    if isinstance(node.value, Mapping):
        return _read_drawn(node)
    if isinstance(node.value, str) and _is_end(_end_name(node.value)):
        return _end_name(node.value)
    node.refuse(f"{show(node.value)} is not an end of a link (NAME, zone:NAME or random: GROUP)")
    return None


def _read_drawn(node: Node) -> Drawn | None:
    node.refuse_unknown(["random", "count"])
    fields = node.mapping()
    group = fields.get("random")
    if group is None:
        node.refuse(f"a mapping that says neither 'link' nor 'random'; {_FORMS}")
        return None
    if not isinstance(group.value, str) or group.value not in GROUPS:
        near = suggestion(group.value, tuple(GROUPS)) if isinstance(group.value, str) else ""
        group.refuse(f"{show(group.value)} is no group{near or f'; there is {_GROUP_NAMES}'}")
        return None
    number = 1
    if "count" in fields:
        try:
            number = int(_COUNT.read(fields["count"].value))
        except Refused as error:
            fields["count"].complain(error)
            return None
    return Drawn(group.value, number)
