"""Where in its file stands what a simulated world can't adopt.

A plan that was read knows no lines any more; so its file is read again, once it is refused.
"""

from collections.abc import Iterable, Iterator
from itertools import product
from pathlib import Path
from typing import Final

import attrs

from trio_lb.config.nodes import Findings, Origin
from trio_lb.config.nodes import Path as Steps
from trio_lb.config.schema import DEFAULT_POOL, Config
from trio_lb.config.yaml_source import read_yaml
from trio_lb.model.errors import Problem

_ROOTS: Final[tuple[Steps, ...]] = (("load_balancer",), ())
"""A file may say all below one key, or leave that out."""
_LISTS: Final = ("servers", "backends", "targets")
"""What a list of servers may be called."""


def located(problems: Iterable[Problem], plan: Config, source: str) -> list[Problem]:
    """Return the problems with the file that the plan is from, and their lines in it.

    ``source`` is "" for a plan from elsewhere. Lines are found in YAML and JSON.
    """
    written = _written(source)
    places = dict(_places(plan))
    return [
        attrs.evolve(each, file=source or None, line=_line(places.get(each.path, []), written))
        for each in problems
    ]


def _places(plan: Config) -> Iterator[tuple[str, list[Steps]]]:
    """Yield the path of a problem, and the ways in which its place may be written."""
    for number in range(len(plan.listeners)):
        for key in ("ssl", "bind"):
            yield f"listeners[{number}].{key}", [("listeners", number, key)]
    for pool in plan.pools.values():
        above: list[Steps] = [("pools", pool.name)]
        above += [()] if pool.name == DEFAULT_POOL else []
        yield f"pools.{pool.name}.tls", [(*each, "tls") for each in above]
        for index, server in enumerate(pool.servers):
            for key in ("tls", "app", "address"):
                ways: list[Steps] = [
                    (*each, name, index, key) for each, name in product(above, _LISTS)
                ]
                yield f"pools.{pool.name}.servers.{server.id}.{key}", ways


def _line(ways: list[Steps], written: dict[Steps, Origin]) -> int | None:
    """Return the line of whatever is nearest to the place, in the way that comes nearest."""
    known = [
        steps[:length]
        for way, root in product(ways, _ROOTS)
        for steps in [(*root, *way)]
        for length in range(len(root) + 2, len(steps) + 1)  # More than the name of a list.
        if steps[:length] in written
    ]
    return written[max(known, key=len)].line if known else None


def _written(source: str) -> dict[Steps, Origin]:
    """Return where each path of the file was written; nothing if that can't be known."""
    if not source or source.endswith(".toml"):
        return {}
    findings = Findings()
    try:
        read_yaml(Path(source).read_text("utf-8-sig"), source, findings)
    except (OSError, UnicodeDecodeError):
        return {}  # It was there when it was read; the problem is told without a line.
    return findings.origins
