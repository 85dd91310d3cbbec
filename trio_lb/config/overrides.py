"""``--set path.to.key=value``: a word from the command line, above the file.

The path is that of the file; ``load_balancer.`` in front may be left out. The value
is loose text (the field decides what it is), or a list or mapping in YAML's flow
form: ``--set 'servers=[127.0.0.1:9001, 127.0.0.1:9002]'``.
"""

import re
from collections.abc import Sequence
from typing import Final

from trio_lb.config.assemble import is_inner
from trio_lb.config.later import FILE
from trio_lb.config.nodes import Findings, Origin, Path
from trio_lb.config.values import Loose

_STEP: Final = re.compile(r"(?:^|\.)([^.\[\]=]+)|\[(\d{1,6})\]")


class _NoPlace(ValueError):
    """The path leads nowhere in this document."""


def apply_overrides(document: object, overrides: Sequence[str], findings: Findings) -> object:
    """Return a copy of ``document`` with each ``path=value`` put in, in their order.

    A problem names ``--set`` as its file; so do later ones of the values put in.
    """
    for override in overrides:
        origin = Origin(f"--set {override}")
        path_text, _, value = override.partition("=")
        path = _parse(path_text.strip())
        if path is None or not has_the_form(override):
            _refuse(findings, origin, "is not of the form path.to.key=value")
            continue
        try:
            path = _rooted(path, document)
            depth = _existing(document, path)
            document = _put(document, path, _value(value, findings, origin))
        except _NoPlace as error:
            _refuse(findings, origin, str(error))
            continue
        for known in [each for each in findings.origins if each[: len(path)] == path]:
            del findings.origins[known]
        # Whatever the option made on the way to its value is the option's as well.
        findings.origins.update({path[:n]: origin for n in range(depth + 1, len(path))})
        findings.origins[path] = origin
    return document


def has_the_form(override: str) -> bool:
    """Whether it is ``path.to.key=value``, wherever the path may lead."""
    path, equals, _ = override.partition("=")
    return bool(equals) and _parse(path.strip()) is not None


def _parse(text: str) -> Path | None:
    """``servers[0].weight`` is ("servers", 0, "weight"); None when it is no path."""
    steps: list[str | int] = []
    position = 0
    while position < len(text):
        match = _STEP.match(text, position)
        if match is None:
            return None
        steps.append(match[1] if match[1] is not None else int(match[2]))
        position = match.end()
    return tuple(steps) or None


def _rooted(path: Path, document: object) -> Path:
    """From the document's top, whichever of its two shapes it has."""
    keys = document if isinstance(document, dict) else {}
    if is_inner(keys):
        return path[1:] if path[0] == "load_balancer" and len(path) > 1 else path
    at_top = path[0] in {"load_balancer", *FILE} or (path[0] == "logging" and "logging" in keys)
    return path if at_top else ("load_balancer", *path)


def _existing(document: object, path: Path) -> int:
    """How many steps of ``path`` lead to something that was there before."""
    for length, step in enumerate(path):
        inside = _inside(document)
        if step not in inside:
            return length
        document = inside[step]
    return len(path)


def _inside(document: object) -> dict[object, object]:
    """What a list or mapping holds, by index or key."""
    if isinstance(document, list):
        return dict(enumerate(document))
    return document if isinstance(document, dict) else {}


def _value(text: str, findings: Findings, origin: Origin) -> object:
    if text.strip()[:1] not in ("[", "{"):
        return Loose(text)
    from trio_lb.config.yaml_source import read_yaml

    # Positions inside the option mean nothing; its own findings are only counted.
    inner = Findings()
    value = read_yaml(text, "", inner)
    for problem in inner.problems:
        _refuse(findings, origin, problem.message)
    return value


def _put(container: object, path: Path, value: object) -> object:
    """A copy of ``container`` with ``value`` at ``path``; missing mappings are made."""
    if not path:
        return value
    step, rest = path[0], path[1:]
    if isinstance(step, int):
        return _put_item(container, step, rest, value)
    if container is not None and not isinstance(container, dict):
        raise _NoPlace(f"'{step}' would be inside of what is no mapping")
    mapping = dict(container or {})
    mapping[step] = _put(mapping.get(step), rest, value)
    return mapping


def _put_item(container: object, index: int, rest: Path, value: object) -> object:
    """One past the end appends."""
    items = list(container) if isinstance(container, list | tuple) else []
    if index > len(items):
        raise _NoPlace(f"[{index}] does not exist: there are {len(items)} items")
    before = items[index] if index < len(items) else None
    items[index : index + 1] = [_put(before, rest, value)]
    return items


def _refuse(findings: Findings, origin: Origin, message: str) -> None:
    """A problem of the option itself has no path in the document."""
    before = findings.origins.get(())
    findings.origins[()] = origin
    findings.add((), message)
    if before is None:
        del findings.origins[()]
    else:
        findings.origins[()] = before
