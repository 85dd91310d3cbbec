"""Where in its file stands what a simulated world can't adopt.

A plan that was read knows no lines any more; so its file is read again, once it is refused.
"""

import tomllib
from collections.abc import Iterable, Iterator
from itertools import product
from pathlib import Path
from typing import Final

import attrs

from trio_lb.config.nodes import Findings, Origin, dotted
from trio_lb.config.nodes import Path as Steps
from trio_lb.config.schema import DEFAULT_POOL, Config
from trio_lb.config.yaml_source import read_yaml
from trio_lb.model.errors import Problem

_ROOTS: Final[tuple[Steps, ...]] = (("load_balancer",), ())
"""A file may say all below one key, or leave that out."""
_LISTS: Final = ("servers", "backends", "targets")
"""What a list of servers may be called; the first by those who give no file."""


def located(problems: Iterable[Problem], plan: Config, source: str) -> list[Problem]:
    """Return the problems with the file that the plan is from, and their lines and paths in it.

    ``source`` is "" for a plan from elsewhere. Lines are found in YAML and JSON.
    """
    written = _written(source)
    places = dict(_places(plan))
    return [_located(each, places.get(each.path, []), written, source) for each in problems]


def _located(
    problem: Problem, ways: list[Steps], written: dict[Steps, Origin], source: str
) -> Problem:
    steps = _nearest(ways, written)
    path = dotted(steps or ways[-1]) if steps or ways else problem.path
    line = written[steps].line if steps else None
    return attrs.evolve(problem, path=path, file=source or None, line=line)


def _places(plan: Config) -> Iterator[tuple[str, list[Steps]]]:
    """Yield the path of a problem, and the ways in which its place may be written."""
    for number in range(len(plan.listeners)):
        for key in ("ssl", "bind"):
            yield f"listeners[{number}].{key}", [("listeners", number, key)]
    for pool in plan.pools.values():
        above: list[Steps] = [("pools", pool.name)]
        above += [()] if pool.name == DEFAULT_POOL else []
        yield f"pools.{pool.name}.tls", [(*each, "tls") for each in above]
        lists: list[Steps] = [(*each, name) for each, name in product(above, _LISTS[::-1])]
        yield f"pools.{pool.name}.servers", lists
        for index, server in enumerate(pool.servers):
            for key in ("tls", "app", "address"):
                ways: list[Steps] = [(*each, index, key) for each in lists]
                yield f"pools.{pool.name}.servers.{server.id}.{key}", ways


def _nearest(ways: list[Steps], written: dict[Steps, Origin]) -> Steps:
    """Return whatever is nearest to the place, in the way that comes nearest; () for nothing."""
    known = [
        steps[:length]
        for way, root in product(ways, _ROOTS)
        for steps in [(*root, *way)]
        for length in range(len(root) + min(2, len(way)), len(steps) + 1)
        if steps[:length] in written  # More than the name of a list, unless that is the place.
    ]
    return max(known, key=len, default=())


def _written(source: str) -> dict[Steps, Origin]:
    """Return where each path of the file was written; nothing if that can't be known."""
    if not source:
        return {}
    findings = Findings()
    try:
        text = Path(source).read_text("utf-8-sig")
        if source.endswith(".toml"):
            return dict.fromkeys(_paths(tomllib.loads(text)), Origin(source))
        read_yaml(text, source, findings)
    except (OSError, UnicodeDecodeError):
        return {}  # It was there when it was read; the problem is told without a line.
    return findings.origins


def _paths(value: object, above: Steps = ()) -> Iterator[Steps]:
    """Yield the path of each value in a value, its own first."""
    yield above
    steps: Iterable[tuple[str | int, object]] = ()
    if isinstance(value, dict):
        steps = value.items()
    elif isinstance(value, list):
        steps = enumerate(value)
    for step, inner in steps:
        yield from _paths(inner, (*above, step))
