"""Servers and clients as data: what a file of a scenario says about who takes part.

servers: {s1: {service: {lognormal: {p50: 12ms, p99: 80ms}}, concurrency: 64, queue: 512}}
clients: {web: {load: {open: {poisson: 100}}, policy: {timeout: 1s, retries: 3}}}
websockets: {chat: {count: 500, policy: {messages: 20, every: {exponential: 3s}}}}
"""

from collections.abc import Mapping
from typing import Any, Final, cast

import attrs

from trio_lb.config.kinds import Choice, Flag, Maybe, Number, Text
from trio_lb.config.knobs import FRACTION, PORT, SECONDS, SECONDS_OR_OFF, count, size_from
from trio_lb.config.nodes import Node
from trio_lb.config.structure import BAD, read_kind
from trio_lb.sim import arrivals, distributions
from trio_lb.sim.actors.asking import HugeHead, LeavesAfter, SlowBody, SlowHead
from trio_lb.sim.actors.client import ClosedLoop, OpenLoop
from trio_lb.sim.actors.form import (
    Bare,
    Form,
    Key,
    OneOf,
    kind,
    list_of,
    nested,
    or_never,
    read_named,
    whole,
)
from trio_lb.sim.actors.line import Pace
from trio_lb.sim.actors.policy import ClientPolicy, Exponential, FullJitter, NoBackoff
from trio_lb.sim.actors.server import ColdStart, ServerSettings, Streaming, WhenFull
from trio_lb.sim.actors.websocket import WebSocketPolicy
from trio_lb.sim.tagged import read_whole

_FACTOR: Final = Number("a factor", 1, 10_000, span="in 1..10000")
_STATUS: Final = Number("a status", 200, 599, whole=True, span="in 200..599")
_TEXT: Final = Text("a name", r"[A-Za-z0-9_][A-Za-z0-9_.:-]*")
_PATH: Final = Text("a path", r"/[!-~]*")
_WHEN_FULL: Final = Choice("answer", lambda: tuple(each.value for each in WhenFull))


@attrs.frozen(slots=True)
class ServerPlan:
    """A server that is to be: what it is like, and where. Without an address it gets one."""

    settings: ServerSettings = ServerSettings()
    zone: str | None = None
    address: str | None = None
    port: int = 80


@attrs.frozen(slots=True)
class ClientPlan:
    """Clients that are to be: when they want something, how they ask, where, and of whom."""

    load: OpenLoop | ClosedLoop
    policy: ClientPolicy = ClientPolicy()
    zone: str | None = None
    to: tuple[str, ...] | None = None


@attrs.frozen(slots=True)
class WebSocketPlan:
    """WebSocket clients that are to be: how many, how they talk, where, and to whom."""

    count: int = 1
    policy: WebSocketPolicy = WebSocketPolicy()
    zone: str | None = None
    to: tuple[str, ...] | None = None


def _drawn(attribute: str) -> Key:
    return Key(attribute, distributions.distribution_at, distributions.to_data)


def _read_when_full(node: Node) -> object:
    name = read_kind(node, _WHEN_FULL)
    return BAD if name is BAD else WhenFull(name)


def _write_health(health: object) -> object:
    if callable(health):
        raise ValueError("a server's health that is code can't be written down")
    return health


COLD_START: Final = Form(
    ColdStart, {"factor": kind("factor", _FACTOR), "for": kind("seconds", SECONDS)}
)
STREAMING: Final = Form(
    Streaming, {"pieces": whole("pieces", count()), "every": kind("every_seconds", SECONDS)}
)
SETTINGS: Final[Mapping[str, Key]] = {
    "service": _drawn("service"),
    "concurrency": whole("concurrency", count()),
    "queue": whole("queue", count(0)),
    "size": _drawn("size"),
    "when_full": Key("when_full", _read_when_full, lambda value: value.value),
    "notices_leaving": kind("notices_leaving", Flag()),
    "cold_start": nested("cold_start", COLD_START, optional=True),
    "keep_alive": or_never("keep_alive_seconds", SECONDS),
    "backlog": whole("backlog", count()),
    "health": Key("health", whole("health", _STATUS).read, _write_health),
    "health_delay": kind("health_seconds", SECONDS_OR_OFF),
    "streaming": nested("streaming", STREAMING, optional=True),
}
"""What is said about a server, beside where it is."""
_PLACE: Final[Mapping[str, Key]] = {
    "zone": kind("zone", Maybe(_TEXT)),
    "address": kind("address", Maybe(_TEXT)),
    "port": whole("port", PORT),
}


class _ServerForm(Form):
    """Settings and place of a server stand side by side."""

    def read(self, node: Node) -> object:
        """See ``Form``."""
        settings_keys, fields = Form(ServerSettings, SETTINGS), node.mapping("a server")
        node.refuse_unknown([*SETTINGS, *_PLACE])
        settings = settings_keys.made(node, {key: fields[key] for key in SETTINGS if key in fields})
        place = {key: _PLACE[key].read(fields[key]) for key in _PLACE if key in fields}
        if settings is BAD or not node.findings.is_sound(node.path):
            return BAD
        return ServerPlan(cast(ServerSettings, settings), **cast(dict[str, Any], place))

    def write(self, value: ServerPlan) -> object:
        """See ``Form``."""
        settings = cast(dict[str, object], Form(ServerSettings, SETTINGS).write(value.settings))
        return settings | cast(dict[str, object], Form(ServerPlan, _PLACE).write(value))


SERVER: Final = _ServerForm(ServerPlan, {})

BACKOFF: Final = OneOf(
    "backoff",
    {
        name: Form(cls, {"base": kind("base", SECONDS), "cap": kind("cap", SECONDS)}, alone=True)
        for name, cls in (("full_jitter", FullJitter), ("exponential", Exponential))
    }
    | {"none": Form(NoBackoff, {})},
)
_EVERY: Final = {"every": kind("every_seconds", SECONDS)}
HABIT: Final = OneOf(
    "habit",
    {
        "slow_head": Form(SlowHead, _EVERY, alone=True),
        "slow_body": Form(SlowBody, _EVERY, alone=True),
        "huge_head": Form(HugeHead, {"bytes": whole("size_bytes", size_from(1))}, alone=True),
        "leaves_after": Form(
            LeavesAfter, {"bytes": whole("taken_bytes", size_from(0))}, alone=True
        ),
    },
)
PACE: Final = Form(Pace, {"bytes": whole("size_bytes", size_from(1)), **_EVERY})
POLICY: Final = Form(
    ClientPolicy,
    {
        "timeout": or_never("timeout", SECONDS),
        "retries": whole("retries", count(0, 1000)),
        "backoff": nested("backoff", BACKOFF),
        "retry_statuses": list_of("retry_statuses", whole("", _STATUS)),
        "requests_per_connection": whole("requests_per_connection", count()),
        "idle": or_never("idle_seconds", SECONDS),
        "posts": kind("posts", FRACTION),
        "size": _drawn("size"),
        "retries_posts": kind("retries_posts", Flag()),
        "host": kind("host", _TEXT),
        "path": kind("path", _PATH),
        "pace": nested("pace", PACE, optional=True),
        "habits": list_of("habits", nested("", HABIT)),
    },
)
LOAD: Final = OneOf(
    "load",
    {
        "open": Bare(OpenLoop, Key("arrivals", arrivals.arrivals_at, arrivals.to_data)),
        "closed": Form(ClosedLoop, {"users": whole("users", count()), "think": _drawn("think")}),
    },
)
CLIENT: Final = Form(
    ClientPlan,
    {
        "load": nested("load", LOAD),
        "policy": nested("policy", POLICY),
        "zone": kind("zone", Maybe(_TEXT)),
        "to": list_of("to", kind("", _TEXT)),
    },
)

TALK: Final = Form(
    WebSocketPolicy,
    {
        "messages": whole("messages", count(0)),
        "every": _drawn("every"),
        "size": _drawn("size"),
        "pause": _drawn("pause"),
        "ping_every": or_never("ping_every", SECONDS),
        "timeout": or_never("timeout", SECONDS),
        "backoff": nested("backoff", BACKOFF),
        "host": kind("host", _TEXT),
        "path": kind("path", _PATH),
    },
)
WEBSOCKETS: Final = Form(
    WebSocketPlan,
    {
        "count": whole("count", count()),
        "policy": nested("policy", TALK),
        "zone": kind("zone", Maybe(_TEXT)),
        "to": list_of("to", kind("", _TEXT)),
    },
)


def read_server(value: object, path: str = "") -> ServerPlan:
    """Return the server that plain data stands for; ``path`` is where it was written.

    Raises:
      ConfigError: with every problem: its path, what was seen, what is allowed.
    """
    return cast(ServerPlan, read_whole(value, path, SERVER.read))


def read_client(value: object, path: str = "") -> ClientPlan:
    """Return the clients that plain data stands for; see ``read_server``."""
    return cast(ClientPlan, read_whole(value, path, CLIENT.read))


def read_servers(value: object, path: str = "servers") -> dict[str, ServerPlan]:
    """Return servers by their names; see ``read_server``."""
    return read_named(value, path, SERVER, "servers")


def read_clients(value: object, path: str = "clients") -> dict[str, ClientPlan]:
    """Return clients by their names; see ``read_server``."""
    return read_named(value, path, CLIENT, "clients")


def read_websockets(value: object, path: str = "websockets") -> dict[str, WebSocketPlan]:
    """Return crowds of WebSocket clients by their names; see ``read_server``."""
    return read_named(value, path, WEBSOCKETS, "websockets")


def to_data(plan: ServerPlan | ClientPlan | WebSocketPlan) -> object:
    """Return plain data that is read as an equal plan; what is as by default is left out.

    Raises:
      ValueError: a part of it is code.
    """
    match plan:
        case ServerPlan():
            return SERVER.write(plan)
        case ClientPlan():
            return CLIENT.write(plan)
        case WebSocketPlan():
            return WEBSOCKETS.write(plan)
