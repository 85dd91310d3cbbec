"""Values from outside the file: ``${NAME}``, ``${NAME:-default}`` and ``file:`` secrets.

Expansion happens in values, never in keys, and once: what a variable holds is not
looked into again. The result is ``Loose`` text, since an environment knows no
numbers. ``$${`` stands for ``${``. ``file:`` counts only below ``headers``, the one
place of this version where a secret can stand; elsewhere it is text like any other.
"""

import re
from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import Final

import attrs

from trio_lb.config.nodes import Findings, Node, Path
from trio_lb.config.values import Loose

DEEPEST: Final = 64
SECRET_BYTES: Final = 64 * 1024

_REFERENCE: Final = re.compile(
    r"\$\$\{|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}|(?P<broken>\$\{)",
    re.ASCII,
)
_SECRETS_BELOW: Final = frozenset({"headers"})


@attrs.frozen(slots=True)
class Outside:
    """What expansion may look at; ``environ`` None leaves ``${...}`` as it is written."""

    environ: Mapping[str, str] | None
    folder: FilePath = FilePath()
    """Where a relative ``file:`` path begins: the folder of the configuration."""


def expand(node: Node, outside: Outside) -> object:
    """Return ``node``'s value with everything from outside put in."""
    if len(node.path) > DEEPEST:
        node.give_up(f"nested deeper than {DEEPEST} levels")
        return None
    match node.value:
        case str():
            return _expand_text(node, node.value, outside)
        case Mapping():
            # A key that is no text is refused later, by whoever reads the mapping.
            return {
                key: expand(node.child(str(key), value), outside)
                for key, value in node.value.items()
            }
        case list() | tuple():
            return [
                expand(node.child(index, value), outside) for index, value in enumerate(node.value)
            ]
    return node.value


def _expand_text(node: Node, text: str, outside: Outside) -> str:
    if outside.environ is not None and "${" in text:
        text = _Substitution(node, outside.environ).of(text)
    if text.startswith("file:") and len(node.path) > 1 and node.path[-2] in _SECRETS_BELOW:
        return _read_secret(node, outside.folder / text.removeprefix("file:"))
    return text


class _Substitution:
    """The references of one text; a problem is taken down and puts in nothing."""

    def __init__(self, node: Node, environ: Mapping[str, str]) -> None:
        self._node = node
        self._environ = environ

    def of(self, text: str) -> str:
        return Loose(_REFERENCE.sub(self._one, text))

    def _one(self, match: "re.Match[str]") -> str:
        if match["broken"]:
            self._node.give_up(
                "'${' begins no ${NAME} or ${NAME:-default}; write $${ for a plain one"
            )
            return ""
        name, default = match["name"], match["default"]
        if name is None:
            return "${"
        # As in a shell: `:-` also replaces what is set and empty.
        value = self._environ.get(name)
        if value is None and default is None:
            self._node.give_up(f"the environment variable {name} is not set, and has no default")
        return value or default or ""


def _read_secret(node: Node, path: FilePath) -> str:
    """The content of a file without its last line end."""
    try:
        with path.open("rb") as file:
            content = file.read(SECRET_BYTES + 1)
        if len(content) > SECRET_BYTES:
            raise ValueError(f"larger than {SECRET_BYTES} bytes")
        return Loose(content.decode().removesuffix("\n").removesuffix("\r"))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        node.give_up(f"cannot read the secret in {path}: {reason}")
        return ""


def expanded(value: object, outside: Outside, findings: Findings) -> Node:
    """Return the root node of a document, expanded."""
    root: Path = ()
    return Node(expand(Node(value, root, findings), outside), root, findings)
