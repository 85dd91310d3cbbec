"""What no single field can know: things that clash, and things that were hardly meant.

``refuse_*`` finds errors, ``warn_*`` what is allowed and yet deserves a word. Each
problem names the other half of the clash with its place.
"""

from collections.abc import Callable, Mapping, Sequence

from trio_lb.config.kinds import suggestion
from trio_lb.config.nodes import Node, dotted
from trio_lb.config.schema import (
    DEFAULT_POOL,
    HealthCheckConfig,
    ListenerConfig,
    PoolConfig,
    ServerConfig,
)
from trio_lb.model.address import Address

UNWEIGHTED = ("round_robin", "random")
Servers = Sequence[tuple[Node, ServerConfig]]
Listeners = Sequence[tuple[Node, ListenerConfig]]


def refuse_same_servers(servers: Servers) -> None:
    """Two servers of a pool share neither id nor address: identity is pool + address."""
    _refuse_repeated(servers, lambda each: each.id, "name")
    _refuse_repeated(servers, lambda each: str(each.address).casefold(), "address")


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


def look_at_pools(listeners: Listeners, pools: Mapping[str, PoolConfig], balancer: Node) -> None:
    """A listener's pool exists and, so that it can answer at all, has servers."""
    empty = False
    for node, listener in listeners:
        pool = pools.get(listener.pool)
        if pool is None:
            hint = suggestion(listener.pool, tuple(pools)) or f"; known: {', '.join(pools)}"
            node.refuse(f"there is no pool '{listener.pool}'{hint}")
        elif not pool.servers and listener.pool == DEFAULT_POOL and len(pools) > 1:
            others = ", ".join(name for name in pools if name != DEFAULT_POOL)
            node.warn(f"the default pool has no servers; set 'pool' to one of: {others}")
            empty = True
    if empty or any(pool.servers for pool in pools.values()) or balancer.findings.has_errors:
        return
    balancer.warn("no servers here: unless -b names some, every request would be answered 503")


def warn_of_missing_probes(pools: Sequence[tuple[Node, PoolConfig]]) -> None:
    """Without probes a dead server is found by the requests that meet it.

    Said only where nothing was written: ``health_check: false`` is a decision, and
    one in ``load_balancer`` (the first of ``pools``) is inherited.
    """
    decided = [isinstance(n.value, Mapping) and "health_check" in n.value for n, _ in pools]
    for (node, pool), here in zip(pools, decided, strict=True):
        if pool.servers and not pool.health_check.enabled and not (here or decided[0]):
            node.warn(f"pool '{pool.name}' has no health_check: its servers are not probed")


def warn_of_idle_weights(pools: Sequence[tuple[Node, PoolConfig]]) -> None:
    """In nginx and HAProxy round robin goes by weight; here that is another algorithm."""
    for node, pool in pools:
        weights = {server.weight for server in pool.servers}
        if len(weights) > 1 and pool.algorithm in UNWEIGHTED:
            node.warn(
                f"pool '{pool.name}': {pool.algorithm} does not look at weights; "
                f"weighted_{pool.algorithm} does"
            )


def warn_of_slow_probe(node: Node | None, check: HealthCheckConfig) -> None:
    """A probe that may outlast its interval delays the next one; said where it is written."""
    if node is None or not isinstance(node.value, Mapping) or check.timeout < check.interval:
        return
    if {"timeout", "interval"} & node.value.keys():
        node.warn(
            f"a timeout of {check.timeout:g} s is not below the interval, {check.interval:g} s"
        )


def _place(node: Node) -> str:
    """``servers[0] in line 5``: the end of the path is enough beside the other."""
    line = node.findings.origin(node.path).line
    path = dotted(node.path[-2:])
    return path if line is None else f"{path} in line {line}"
