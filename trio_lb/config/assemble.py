"""From a whole document to a ``Config``: the shape of the file, defaults that pools inherit.

    load_balancer.servers, .algorithm, .health_check ...  --> the pool "default"
    load_balancer.pools.api                               --> the same, over those as defaults

The document may also be what stands below ``load_balancer`` alone. Everything is
read where it was written (see ``nodes``), so nothing is rewritten first.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from trio_lb.config import lint
from trio_lb.config.choices import POOL_NAME
from trio_lb.config.kinds import suggestion
from trio_lb.config.knobs import knobs_of, spellings
from trio_lb.config.later import FILE, known_elsewhere, later_keys, refuse_later
from trio_lb.config.listeners import read_listeners
from trio_lb.config.nodes import Node
from trio_lb.config.schema import (
    DEFAULT_POOL,
    Config,
    ListenerConfig,
    LoggingConfig,
    PoolConfig,
    ProbeConfig,
    TimeoutsConfig,
)
from trio_lb.config.servers import read_servers
from trio_lb.config.structure import (
    BAD,
    check_keys,
    evolved,
    fields_of,
    fill,
    read_kind,
    read_section,
    read_value,
)

_PLAIN_PROBE: Final = ProbeConfig()
_FILE_KEYS: Final = ("load_balancer", "logging")

# The flat names of requirements 000 and 001, in snake_case.
FLAT: Final[Mapping[str, tuple[str, str]]] = {
    "health_check_interval": ("health_check", "interval"),
    "health_check_timeout": ("health_check", "timeout"),
    "circuit_breaker_threshold": ("circuit_breaker", "failure_threshold"),
    "circuit_breaker_timeout": ("circuit_breaker", "timeout"),
    "max_retries": ("retry", "max_retries"),
    "retry_delay": ("retry", "base_delay"),
}


def read_document(root: Node) -> Config:
    """Return the configuration; with errors among the findings it is only a guess."""
    keys = root.mapping()
    if is_inner(keys):
        config = _read_balancer(root)
    else:
        root.refuse_unknown(_FILE_KEYS, later=FILE, elsewhere=known_elsewhere())
        refuse_later(root, FILE)
        config = _read_file(root, keys)
    return config


def is_inner(keys: Mapping[str, object]) -> bool:
    """Whether these are the keys of ``load_balancer`` itself, without the file around it.

    One known key is enough, unless something looks like a misspelt ``load_balancer``.
    """
    outer = {"load_balancer", *FILE}
    if any(key in outer or suggestion(key, ("load_balancer",)) for key in keys):
        return False
    inner = {*spellings(Config), *spellings(PoolConfig), *later_keys(Config), *FLAT} - {"logging"}
    return bool(inner & set(keys))


def _read_file(root: Node, keys: Mapping[str, Node]) -> Config:
    balancer, logging = keys.get("load_balancer"), keys.get("logging")
    if balancer is None:
        if not root.findings.has_errors:
            root.warn("no load_balancer here: unless -b names servers, every request gets 503")
        config = Config(pools={DEFAULT_POOL: PoolConfig()})
    else:
        config = _read_balancer(balancer)
    if logging is None:
        return config
    if balancer is not None and isinstance(balancer.value, Mapping) and "logging" in balancer.value:
        logging.refuse("given twice: also inside load_balancer")
    return attrs.evolve(config, logging=read_section(logging, LoggingConfig()))


def _read_balancer(node: Node) -> Config:
    if node.value is None:
        node = attrs.evolve(node, value={})
    check_keys(node, Config, more=[*spellings(PoolConfig), *FLAT])
    default = _read_pool(node, PoolConfig())
    config = fill(node, Config(), own=("listeners", "pools"))
    written = fields_of(node, Config)
    pools = _read_pools(written.get("pools"), default, node, config.timeouts)
    listeners = read_listeners(written.get("listeners"), pools, node)
    pools = {name: _with_fitting_probe(pool, listeners) for name, pool in pools.items()}
    return attrs.evolve(config, pools=pools, listeners=listeners)


def _with_fitting_probe(pool: PoolConfig, listeners: Sequence[ListenerConfig]) -> PoolConfig:
    """Only connect where only TCP is spoken, unless something else was asked for."""
    spoken = {each.protocol for each in listeners if each.pool == pool.name}
    if spoken != {"tcp"} or any(
        getattr(pool.health_check, name) != getattr(_PLAIN_PROBE, name)
        for name in knobs_of(ProbeConfig)
    ):
        return pool
    return attrs.evolve(pool, health_check=attrs.evolve(pool.health_check, type="tcp"))


def _read_pools(
    node: Node | None, default: PoolConfig, balancer: Node, timeouts: TimeoutsConfig
) -> dict[str, PoolConfig]:
    """The default pool first, then the others in the order of the file."""
    found = [(balancer, default)]
    for name, entry in node.mapping().items() if node and node.value is not None else ():
        if read_kind(attrs.evolve(entry, value=name), POOL_NAME) is BAD:
            continue
        if name == DEFAULT_POOL and default.servers:
            entry.refuse("the default pool has its servers in load_balancer.servers already")
            continue
        if entry.value is None:
            entry = attrs.evolve(entry, value={})
        check_keys(entry, PoolConfig)
        base = attrs.evolve(default, name=name, servers=())
        found.append((entry, _read_pool(entry, base, timeouts=timeouts)))
    lint.warn_of_missing_probes(found)
    lint.warn_of_idle_weights(found)
    return {pool.name: pool for _, pool in found}


def _read_pool(
    node: Node, base: PoolConfig, *, timeouts: TimeoutsConfig | None = None
) -> PoolConfig:
    """Read ``load_balancer`` itself, which holds the default pool; with ``timeouts`` a further one.

    Those are the balancer's, from which a pool's own timeouts start.
    """
    pool = fill(node, base, own=("servers", "timeouts"))
    written = fields_of(node, PoolConfig)
    if timeouts is None:
        pool = _read_flat(node, pool)
    elif "timeouts" in written and written["timeouts"].value is not None:
        pool = attrs.evolve(pool, timeouts=read_section(written["timeouts"], timeouts))
    lint.warn_of_slow_probe(written.get("health_check"), pool.health_check)
    if "servers" not in written:
        return pool
    return attrs.evolve(pool, servers=read_servers(written["servers"], pool.health_check))


def _read_flat(node: Node, pool: PoolConfig) -> PoolConfig:
    """Flat names are the same fields; a flat interval asks for probes as the section does."""
    keys = node.mapping()
    for key in [key for key in keys if key in FLAT]:
        section, name = FLAT[key]
        given = keys[section].value if section in keys else None
        if isinstance(given, Mapping) and name in given:
            keys[key].refuse(f"given twice: '{section}.{name}' means the same")
        before = getattr(pool, section)
        value = read_value(keys[key], knobs_of(type(before))[name].shape)
        changes = {} if value is BAD else {name: value}
        if given is None and "enabled" in knobs_of(type(before)):
            changes["enabled"] = True
        if key == "circuit_breaker_threshold" and not isinstance(given, Mapping):
            changes["threshold"] = None  # Requirement 000 knows the count form alone.
        pool = evolved(pool, {section: evolved(before, changes)})
    return pool
