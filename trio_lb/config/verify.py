"""The rules between fields for a ``Config`` that a program built, told by the names of its fields.

Each field checks itself as it is set. What only the whole can show (two listeners on
one port, https without a certificate) is looked at when it is about to be used.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from trio_lb.config import lint
from trio_lb.config.nodes import Findings, Node
from trio_lb.config.rules import remarks
from trio_lb.config.schema import Config
from trio_lb.model.errors import ConfigError


def verified(config: Config) -> Config:
    """Return ``config``, in which everything fits together.

    Raises:
      ConfigError: with every contradiction; warnings are among its problems.
    """
    root = Node(config, (), Findings())
    for node, section in _sections(root, config):
        for remark in remarks(section):
            remark.told(node.child(remark.field, None) if remark.field else node, remark.message)
    _look_around(root, config)
    if root.findings.has_errors:
        raise ConfigError(root.findings.problems)
    return config


def _look_around(root: Node, config: Config) -> None:
    """What two listeners, two servers, or a listener and its pool have to do with each other."""
    inside = root.child("listeners", None)
    listeners = [(inside.child(i, each), each) for i, each in enumerate(config.listeners)]
    lint.refuse_same_binds(listeners)
    lint.look_at_pools(listeners, config.pools, root)
    for name, pool in config.pools.items():
        inside = root.child("pools", None).child(name, None).child("servers", None)
        servers = [(inside.child(i, each), each) for i, each in enumerate(pool.servers)]
        lint.refuse_same_servers(servers)
        for each, server in servers:
            lint.refuse_nameless(each, server, pool)


def _sections(node: Node, value: Any) -> Iterator[tuple[Node, attrs.AttrsInstance]]:
    """Yield every section with the path of fields that leads to it."""
    if attrs.has(type(value)):
        yield node, value
        inner = [(each.name, getattr(value, each.name)) for each in attrs.fields(type(value))]
    elif isinstance(value, Mapping):
        inner = list(value.items())
    else:
        inner = list(enumerate(value)) if isinstance(value, tuple) else []
    for step, each in inner:
        yield from _sections(node.child(step, each), each)
