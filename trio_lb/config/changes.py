"""What a program changes while a balancer runs: settings and servers, given as arguments.

They are read by the same readers as a file, so that they take the same spellings and
obey the same bounds; a problem is told by the name of the argument. Nothing is changed
in place: the result is a new value, which somebody else applies as a whole.
"""

from typing import Final

import attrs

from trio_lb.config.assemble import FLAT, read_default_pool
from trio_lb.config.knobs import spellings
from trio_lb.config.nodes import Findings, Node
from trio_lb.config.schema import DEFAULT_POOL, Config, PoolConfig, ServerConfig
from trio_lb.config.servers import read_server
from trio_lb.config.structure import check_keys, fill
from trio_lb.model.errors import ConfigError

# These belong together with what they lead to: a whole plan brings them.
_WITH_A_PLAN: Final = ("listeners", "pools")


def changed(config: Config, /, **given: object) -> Config:
    """Return ``config`` with what is given, as ``update_config`` takes it.

    ``given`` holds what may stand in ``load_balancer``, flat names included: what belongs
    to a pool goes to the default one, the rest to the balancer. Sections are changed key by
    key; further pools keep what they inherited when they were read.

    Raises:
      ConfigError: with every problem, by the names of the arguments.
    """
    node = Node(given, (), Findings())
    check_keys(node, Config, more=[*spellings(PoolConfig), *FLAT])
    for key in _WITH_A_PLAN:
        if key in given:
            node.child(key, None).refuse("is not changed alone: apply a whole configuration")
    pool = read_default_pool(node, config.pools.get(DEFAULT_POOL, PoolConfig()))
    made = fill(node, config, own=_WITH_A_PLAN)
    _refuse_errors(node)
    return attrs.evolve(made, pools={**config.pools, DEFAULT_POOL: pool})


def server_from(pool: PoolConfig | None = None, /, **given: object) -> ServerConfig:
    """Return the server that is given, as ``add_server`` takes it.

    It is one of ``pool``, from whose health check and TLS its own ones start.

    Raises:
      ConfigError: with every problem, by the names of the arguments.
    """
    node = Node(given, (), Findings())
    server = read_server(node, pool or PoolConfig())
    _refuse_errors(node)
    assert server is not None, "what has no address has told a problem"
    return server


def _refuse_errors(node: Node) -> None:
    if node.findings.has_errors:
        raise ConfigError(node.findings.problems)
