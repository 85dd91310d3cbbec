"""What no single field can know: things that clash, and things that were hardly meant.

``refuse_*`` finds errors, ``warn_*`` what is allowed and yet deserves a word. Each
problem names the other half of the clash with its place.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final

from trio_lb.config.kinds import suggestion
from trio_lb.config.knobs import spellings
from trio_lb.config.nodes import Node, dotted
from trio_lb.config.schema import (
    DEFAULT_POOL,
    HealthCheckConfig,
    ListenerConfig,
    PoolConfig,
    ServerConfig,
)
from trio_lb.model.address import Address

UNWEIGHTED: Final = ("round_robin", "random")
HASHES: Final = ("ip_hash", "consistent_hash", "maglev", "rendezvous")
TIMEOUTS_OF_A_POOL: Final = (
    "connect",
    "first_byte",
    "idle",
    "total",
    "response",
    "write_stall",
    "tunnel_idle",
    "half_close_grace",
)

Pools = Sequence[tuple[Node, PoolConfig]]
Servers = Sequence[tuple[Node, ServerConfig]]
Listeners = Sequence[tuple[Node, ListenerConfig]]


def refuse_same_servers(servers: Servers) -> None:
    """Two servers of a pool share neither id nor address: identity is pool + address."""
    _refuse_repeated(servers, lambda each: each.id, "name")
    _refuse_repeated(servers, lambda each: str(each.address).casefold(), "address")


def refuse_nameless(node: Node, server: ServerConfig, pool: PoolConfig) -> None:
    """A certificate is looked at for a name, and a path is none."""
    tls = server.tls or pool.tls
    if tls is None or not (tls.enabled and tls.verify) or not server.address.is_unix:
        return
    if tls.server_name is None:
        node.refuse("a unix socket has no name to verify: say tls.server_name, or verify: false")


def _refuse_repeated(servers: Servers, key: Callable[[ServerConfig], str], noun: str) -> None:
    first: dict[str, Node] = {}
    for node, server in servers:
        other = first.setdefault(key(server), node)
        if other is not node:
            node.refuse(f"has the same {noun} as {_place(other)}: '{key(server)}'")


def refuse_same_binds(listeners: Listeners) -> None:
    """The second listener on an address could not be opened; 0.0.0.0 holds every address."""
    for index, (node, listener) in enumerate(listeners):
        for other, earlier in listeners[:index]:
            if _clash(listener.bind, earlier.bind):
                wider = "" if listener.bind == earlier.bind else f", which binds {earlier.bind}"
                node.refuse(f"{listener.bind} is taken by {_place(other)}{wider}")
                break


def _clash(one: Address, other: Address) -> bool:
    if one.is_unix or other.is_unix:
        return one == other
    if one.port != other.port or one.port == 0 or (":" in one.host) != (":" in other.host):
        return False
    return one.host == other.host or bool({one.host, other.host} & {"0.0.0.0", "::"})


def look_at_listeners(listeners: Listeners, trusted: Collection[str], balancer: Node) -> None:
    """They have addresses of their own, and lead where something is."""
    # An error may have hidden them: `listener:` is one, and enough said.
    if not listeners and not balancer.findings.has_errors:
        balancer.warn("no listeners here: trio-lb run takes 127.0.0.1:8000, or what -p says")
    refuse_same_binds(listeners)
    encrypted = any(listener.protocol == "https" for _, listener in listeners)
    for node, listener in listeners:
        if listener.https_redirect is True and listener.protocol == "http" and not encrypted:
            _warn_at(node, "https_redirect", "no https listener here: clients are sent to port 443")
        if listener.proxy_protocol != "off" and not trusted:
            _warn_at(
                node,
                "proxy_protocol",
                "every peer is believed when it names a client; name those that may"
                " in trusted_proxies",
            )


def look_at_pools(listeners: Listeners, pools: Mapping[str, PoolConfig], balancer: Node) -> None:
    """A listener's pool exists and, so that it can answer at all, has servers."""
    empty = False
    for node, listener in listeners:
        pool = pools.get(listener.pool)
        if pool is None:
            hint = suggestion(listener.pool, tuple(pools)) or f"; known: {', '.join(pools)}"
            node.refuse(f"there is no pool '{listener.pool}'{hint}")
        elif listener.answers_itself or pool.servers:
            continue
        elif listener.pool == DEFAULT_POOL and len(pools) > 1:
            others = ", ".join(name for name in pools if name != DEFAULT_POOL)
            node.warn(f"the default pool has no servers; set 'pool' to one of: {others}")
            empty = True
    servers = [each for pool in pools.values() for each in pool.servers]
    if empty or any(not each.disabled for each in servers) or balancer.findings.has_errors:
        return
    nobody = "every server here is disabled" if servers else "no servers here"
    balancer.warn(f"{nobody}: unless -b names some, every request would be answered 503")


def look_at_probes(pools: Pools, spoken: Mapping[str, set[str]]) -> None:
    """They are there, and ask what servers can answer.

    Without probes a dead server is found by the requests that meet it. Said only where
    nothing was written: ``health_check: false`` is a decision, and one in
    ``load_balancer`` (the first of ``pools``) is inherited.
    """
    decided = [isinstance(n.value, Mapping) and "health_check" in n.value for n, _ in pools]
    for (node, pool), here in zip(pools, decided, strict=True):
        if pool.servers and not pool.health_check.enabled and not (here or decided[0]):
            node.warn(f"pool '{pool.name}' has no health_check: its servers are not probed")
        if spoken.get(pool.name) == {"tcp"}:
            _warn_of_talkative_probe(node, pool)


def _warn_of_talkative_probe(node: Node, pool: PoolConfig) -> None:
    """A port of its own may well speak HTTP, as that of Patroni beside PostgreSQL does."""
    for probe in pool.health_check.questions if pool.health_check.enabled else ():
        if probe.type in ("http", "websocket") and probe.port is None:
            _warn_at(
                node,
                "health_check",
                f"pool '{pool.name}' is only used by tcp listeners, and its probe"
                f" speaks {probe.type}; type: tcp only connects",
            )


def look_at_servers(pools: Pools) -> None:
    """Of each pool: weights that are looked at, and somebody to stand in for."""
    warn_of_idle_weights(pools)
    for node, pool in pools:
        if pool.servers and all(server.backup for server in pool.servers):
            node.warn(f"pool '{pool.name}': every server is a backup, so that none of them is one")


def warn_of_idle_weights(pools: Sequence[tuple[Node, PoolConfig]]) -> None:
    """In nginx and HAProxy round robin goes by weight; here that is another algorithm."""
    for node, pool in pools:
        weights = {server.weight for server in pool.servers}
        if len(weights) > 1 and pool.algorithm in UNWEIGHTED:
            node.warn(
                f"pool '{pool.name}': {pool.algorithm} does not look at weights; "
                f"weighted_{pool.algorithm} does"
            )


def warn_of_idle_settings(pools: Pools) -> None:
    """What an algorithm does not look at; in ``load_balancer``, what that of no pool does.

    ``load_balancer`` is the first of ``pools``, and the others inherit from it.
    """
    for index, (node, pool) in enumerate(pools):
        heirs = [each for _, each in pools if each.servers] if index == 0 else []
        algorithms = [each.algorithm for each in heirs] or [pool.algorithm]
        hashes = [each for each in algorithms if each in HASHES]
        if pool.slow_start and len(hashes) == len(algorithms):
            _warn_if_written(node, "slow_start", f"{hashes[0]} does not look at it: keys stay put")
        if not hashes:
            _warn_if_written(node, "hash_key", f"{_called(algorithms[0])} hashes nothing")
            _warn_if_written(
                node, "hash_balance_factor", f"{_called(algorithms[0])} hashes nothing"
            )
        elif set(hashes) == {"ip_hash"}:
            _warn_if_written(node, "hash_key", "ip_hash always takes the client's address")


def _called(algorithm: object) -> str:
    return algorithm if isinstance(algorithm, str) else "an algorithm of your own"


def warn_of_foreign_timeouts(node: Node) -> None:
    """The others are about clients, which meet a listener before they meet a pool."""
    for name, child in node.mapping().items():
        if name not in TIMEOUTS_OF_A_POOL:
            child.warn(
                f"is not looked at in a pool, whose own are {', '.join(TIMEOUTS_OF_A_POOL)};"
                " write it in load_balancer"
            )


def warn_of_slow_probe(node: Node | None, check: HealthCheckConfig) -> None:
    """A probe that may outlast its interval delays the next one; said where it is written."""
    if node is None or not isinstance(node.value, Mapping) or check.timeout <= check.interval:
        return
    if "timeout" in node.value:
        unwritten = "" if "interval" in node.value else ", which is not written here"
        node.warn(
            f"a timeout of {check.timeout:g} s is longer than the interval,"
            f" {check.interval:g} s{unwritten}"
        )


def _written(node: Node, field: str) -> Node | None:
    """Of a listener or a pool, whichever ``node`` is; no field that is asked for is in both."""
    if not isinstance(node.value, Mapping):
        return None
    names = spellings(ListenerConfig) | spellings(PoolConfig)
    keys = (key for key in node.value if names.get(key) == field)
    return next((node.child(key, node.value[key]) for key in keys), None)


def _warn_at(node: Node, field: str, message: str) -> None:
    """At the field if it was written there, else at the whole."""
    (_written(node, field) or node).warn(message)


def _warn_if_written(node: Node, field: str, message: str) -> None:
    place = _written(node, field)
    if place is not None and place.value is not None and place.findings.is_sound(place.path):
        place.warn(message)


def _place(node: Node) -> str:
    """``servers[0] in line 5``: the end of the path is enough beside the other."""
    line = node.findings.origin(node.path).line
    path = dotted(node.path[-2:])
    return path if line is None else f"{path} in line {line}"
