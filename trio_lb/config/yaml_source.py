"""YAML read strictly: no guesses of YAML 1.1, no key twice, and a line for every value.

The parser is libyaml's; only its node tree is used. Plain scalars are typed by the
core schema of YAML 1.2: ``on``, ``no`` and ``22:30`` are text, ``010`` is ten and
``1e3`` a number, whereas PyYAML's own loader makes them true, false, 1350, eight
and text. The tree is walked here, so that each path gets the line it stands on.
"""

import math
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import yaml

from trio_lb.config.nodes import Findings, Node, Origin, Path

MOST_VALUES: Final = 200_000
DEEPEST: Final = 64

_CORE: Final[Mapping[str, Callable[[str], object]]] = {
    r"null|Null|NULL|~|": lambda text: None,
    r"true|True|TRUE": lambda text: True,
    r"false|False|FALSE": lambda text: False,
    r"[-+]?[0-9]+": int,
    r"0o[0-7]+": lambda text: int(text[2:], 8),
    r"0x[0-9a-fA-F]+": lambda text: int(text[2:], 16),
    r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?": float,
    r"[-+]?\.(inf|Inf|INF)": lambda text: -math.inf if text[0] == "-" else math.inf,
    r"\.(nan|NaN|NAN)": lambda text: math.nan,
}
_CORE_PATTERNS: Final = [(re.compile(pattern, re.ASCII), read) for pattern, read in _CORE.items()]
_PLAIN: Final = "tag:yaml.org,2002:plain"
_TAGS: Final = {"str": "tag:yaml.org,2002:str", "merge": "tag:yaml.org,2002:merge"}

_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Base):  # type: ignore[misc]  # which of the two bases it is, is known at run time
    """Composes nodes; a plain scalar is only marked as such and typed by the walk."""

    yaml_implicit_resolvers: Final = {
        "<": [(_TAGS["merge"], re.compile("<<"))],
        None: [(_PLAIN, re.compile(r"(?s).*"))],
    }


def read_yaml(text: str, file: str, findings: Findings) -> object:
    """Return the plain values of ``text`` and note in ``findings`` where each was written.

    A problem with the text itself is taken down and gives None.
    """
    loader = _Loader(text)
    try:
        _refuse_depth(text)
        root = loader.get_single_node()
        return None if root is None else _Walk(loader, file, findings).read(root, ())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        _refuse(findings, file, mark, _sentence(error) + _hint(text, mark))
    except (yaml.YAMLError, RecursionError) as error:
        _refuse(findings, file, None, f"is not YAML: {' '.join(str(error).split())}")
    finally:
        loader.dispose()
    return None


def _sentence(error: yaml.MarkedYAMLError) -> str:
    """PyYAML tells what it was doing and what it met, on several lines."""
    parts = [part for part in (error.context, error.problem) if part]
    return f"is not YAML: {', '.join(parts)}"


def _hint(text: str, mark: Any) -> str:
    """Inside of { } or [ ] a brace ends the scalar; ``${NAME}`` is what people stumble over."""
    lines = text.splitlines()
    line = lines[mark.line] if mark is not None and mark.line < len(lines) else ""
    return "; inside of { } or [ ] put '${...}' in quotes" if "${" in line else ""


def _refuse(findings: Findings, file: str, mark: Any, message: str) -> None:
    findings.origins[()] = Origin(file, None if mark is None else mark.line + 1)
    findings.add((), message)


class _TooMuch(yaml.YAMLError):
    """Aliases can make a small file as large as they like."""


def _refuse_depth(text: str) -> None:
    """libyaml composes by recursion in C, which no limit of Python's ends: look at events first."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEEPEST:
                mark: Any = event.start_mark
                raise yaml.MarkedYAMLError(problem=f"more than {DEEPEST} levels", problem_mark=mark)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


class _Walk:
    """One pass over a node tree."""

    def __init__(self, loader: Any, file: str, findings: Findings) -> None:
        self._loader = loader
        self._file = file
        self._findings = findings
        self._count = 0

    def read(self, node: yaml.Node, path: Path) -> object:
        """Return the value of a node; its line is taken down under ``path``."""
        self._count += 1
        # An alias may hold itself, so depth counts here as well.
        if self._count > MOST_VALUES or len(path) > DEEPEST:
            raise _TooMuch(f"more than {MOST_VALUES} values, or more than {DEEPEST} levels")
        self._findings.origins.setdefault(path, self._origin(node))
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.read(item, (*path, index)) for index, item in enumerate(node.value)]
        return self._scalar(node, path)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, object]:
        self._refuse_twice(node, path)
        # Resolves `<<: *other`; what is written here comes last and wins.
        self._loader.flatten_mapping(node)
        made: dict[str, object] = {}
        for key, value in node.value:
            name = self._key(key, path)
            if name is not None:
                self._findings.origins[*path, name] = self._origin(key)
                made[name] = self.read(value, (*path, name))
        return made

    def _refuse_twice(self, node: yaml.MappingNode, path: Path) -> None:
        lines: dict[object, int] = {}
        for key, _ in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else id(key)
            line = key.start_mark.line + 1
            if name in lines and name != "<<":
                place = self._at(key, (*path, name))
                place.refuse(f"key given twice, first in line {lines[name]}")
            lines.setdefault(name, line)

    def _key(self, key: yaml.Node, path: Path) -> str | None:
        """A key is text, even where it looks like a number: names of pools may."""
        if isinstance(key, yaml.ScalarNode):
            return str(key.value)
        self._at(key, path).refuse("a key that is a list or a mapping")
        return None

    def _scalar(self, node: yaml.Node, path: Path) -> object:
        if node.tag == _PLAIN:
            for pattern, read in _CORE_PATTERNS:
                if pattern.fullmatch(node.value):
                    return self._converted(read, node, path)
        elif node.tag not in _TAGS.values():
            self._at(node, path).give_up(f"the tag {node.tag} is not allowed")
        return str(node.value)

    def _converted(self, read: Callable[[str], object], node: yaml.Node, path: Path) -> object:
        try:
            return read(node.value)
        except ValueError:  # Python reads no integer of more than 4300 digits
            self._at(node, path).give_up("is a number with too many digits")
            return None

    def _origin(self, node: yaml.Node) -> Origin:
        return Origin(self._file, node.start_mark.line + 1)

    def _at(self, node: yaml.Node, path: Path) -> Node:
        """The place of a problem, whose line is that of ``node`` itself."""
        self._findings.origins[path] = self._origin(node)
        return Node(None, path, self._findings)
