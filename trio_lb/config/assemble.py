"""From a whole document to a ``Config``: the shape of the file, defaults that pools inherit.

    load_balancer.servers, .algorithm, .health_check ...  --> the pool "default"
    load_balancer.pools.api                               --> the same, over those as defaults

The document may also be what stands below ``load_balancer`` alone. Everything is
read where it was written (see ``nodes``), so nothing is rewritten first.
"""

from collections.abc import Mapping
from typing import Final

import attrs

from trio_lb.config import lint
from trio_lb.config.choices import POOL_NAME
from trio_lb.config.kinds import suggestion
from trio_lb.config.knobs import knobs_of, spellings
from trio_lb.config.later import FILE, known_elsewhere, later_keys, refuse_later
from trio_lb.config.listeners import read_listeners, spoken_to
from trio_lb.config.nodes import Node
from trio_lb.config.schema import (
    DEFAULT_POOL,
    Config,
    LoggingConfig,
    PoolConfig,
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
    within_interval,
)

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
    keys = root.mapping("a mapping: a configuration has load_balancer, or its keys, at the top")
    if not isinstance(root.value, Mapping):
        return Config()
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
    inner = {*spellings(Config), *spellings(PoolConfig), *later_keys(Config), *FLAT} - {
        "logging",
        "rules",
    }
    strange = [key for key in keys if key not in inner]
    if any(key in outer or suggestion(key, ("load_balancer",)) for key in strange):
        return False
    return len(strange) < len(keys)


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
    written = fields_of(node, Config)
    listeners = read_listeners(written.get("listeners"))
    config = fill(node, Config(), own=("listeners", "pools"))
    pools = _read_pools(node, config.timeouts, spoken_to(each for _, each in listeners))
    lint.look_at_listeners(listeners, config.trusted_proxies, node)
    lint.look_at_pools(listeners, pools, node)
    return attrs.evolve(config, pools=pools, listeners=tuple(each for _, each in listeners))


def _read_pools(
    balancer: Node, timeouts: TimeoutsConfig, spoken: Mapping[str, set[str]]
) -> dict[str, PoolConfig]:
    """The default pool first, then the others in the order of the file."""
    node = fields_of(balancer, Config).get("pools")
    default = read_default_pool(balancer, _with_fitting_probe(PoolConfig(), spoken))
    typed = _says_how_to_probe(balancer)
    found = [(balancer, default)]
    for name, entry in node.mapping().items() if node and node.value is not None else ():
        if read_kind(attrs.evolve(entry, value=name), POOL_NAME) is BAD:
            continue
        if name == DEFAULT_POOL and default.servers:
            entry.refuse("the default pool has its servers in load_balancer.servers already")
            continue
        if entry.value is None:
            entry = attrs.evolve(entry, value={})
        base = attrs.evolve(default, name=name, servers=())
        base = base if typed else _with_fitting_probe(base, spoken)
        found.append((entry, _read_further_pool(entry, base, timeouts)))
    lint.look_at_probes(found, spoken)
    lint.look_at_servers(found)
    lint.warn_of_idle_settings(found)
    return {pool.name: pool for _, pool in found}


def _with_fitting_probe(pool: PoolConfig, spoken: Mapping[str, set[str]]) -> PoolConfig:
    """Only connect where only TCP is passed on; what is written stands above that."""
    fitting = "tcp" if spoken.get(pool.name) == {"tcp"} else "http"
    return attrs.evolve(pool, health_check=attrs.evolve(pool.health_check, type=fitting))


def _says_how_to_probe(balancer: Node) -> bool:
    """Whether further pools inherit the type of probe, rather than each its fitting one."""
    check = fields_of(balancer, PoolConfig).get("health_check")
    if check is None or not isinstance(check.value, Mapping):
        return False
    return any(check.value.get(key) is not None for key in ("type", "check"))


def read_default_pool(node: Node, base: PoolConfig) -> PoolConfig:
    """Return what ``load_balancer`` itself says of the default pool, flat names included."""
    pool = _read_flat(node, fill(node, base, own=("servers", "timeouts")))
    return _with_servers(node, pool)


def _read_further_pool(node: Node, base: PoolConfig, timeouts: TimeoutsConfig) -> PoolConfig:
    """``timeouts`` are the balancer's, from which those of a pool start."""
    check_keys(node, PoolConfig)
    pool = fill(node, base, own=("servers", "timeouts"))
    own = fields_of(node, PoolConfig).get("timeouts")
    if own is not None and own.value is not None:
        pool = attrs.evolve(pool, timeouts=read_section(own, timeouts))
        lint.warn_of_foreign_timeouts(own)
    return _with_servers(node, pool)


def _with_servers(node: Node, pool: PoolConfig) -> PoolConfig:
    written = fields_of(node, PoolConfig)
    lint.warn_of_slow_probe(written.get("health_check"), pool.health_check)
    if "servers" not in written:
        return pool
    return attrs.evolve(pool, servers=read_servers(written["servers"], pool))


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
        if name == "failure_threshold" and not _names_a_share(given):
            changes["threshold"] = None
        pool = evolved(pool, {section: evolved(before, changes)})
    return _with_flat_interval(keys, pool)


def _with_flat_interval(keys: Mapping[str, Node], pool: PoolConfig) -> PoolConfig:
    """A flat interval shortens an unwritten timeout as one in the section does."""
    if "health_check_interval" not in keys:
        return pool
    section = keys["health_check"].value if "health_check" in keys else None
    spared = {*section} if isinstance(section, Mapping) else set()
    spared |= {"timeout"} if "health_check_timeout" in keys else set()
    return attrs.evolve(pool, health_check=within_interval(pool.health_check, spared=spared))


def _names_a_share(breaker: object) -> bool:
    """Whether the ratio form was asked for beside the count form, which is all 000 knows."""
    return isinstance(breaker, Mapping) and not {"threshold", "min_requests"}.isdisjoint(breaker)
