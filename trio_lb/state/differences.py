"""What changed between two plans, in lines for people: one path a line."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs

from trio_lb.config.schema import ServerConfig


def differences(old: object, new: object, path: str = "") -> Iterator[str]:
    """Yield ``path: old -> new`` for every knob that differs.

    Values of mappings without a schema (headers, metadata) may be secrets: only their
    path is told. Servers are told apart by their id, not by their place in the list.
    """
    if old == new:
        return
    if attrs.has(type(new)) and type(old) is type(new):
        yield from _of_fields(old, new, path)
    elif _has_servers(old) or _has_servers(new):
        yield from _of_servers(_by_id(old), _by_id(new), path)
    elif isinstance(old, Mapping) and isinstance(new, Mapping):
        yield from _of_mapping(old, new, path)
    else:
        yield f"{path}: {_text(old)} -> {_text(new)}"


def _of_fields(old: Any, new: Any, path: str) -> Iterator[str]:
    for field in attrs.fields(type(new)):
        inner = f"{path}.{field.name}" if path else field.name
        yield from differences(getattr(old, field.name), getattr(new, field.name), inner)


def _of_mapping(old: Mapping[Any, Any], new: Mapping[Any, Any], path: str) -> Iterator[str]:
    if any(attrs.has(type(value)) for value in (*old.values(), *new.values())):
        yield from _of_keys(old, new, path)
    else:
        yield f"{path}: changed"


def _of_servers(
    old: Mapping[str, ServerConfig], new: Mapping[str, ServerConfig], path: str
) -> Iterator[str]:
    yield from _of_keys(old, new, path)
    if [key for key in old if key in new] != [key for key in new if key in old]:
        yield f"{path}: reordered"


def _of_keys(old: Mapping[Any, Any], new: Mapping[Any, Any], path: str) -> Iterator[str]:
    for key in old:
        if key not in new:
            yield f"{path}.{key}: removed"
    for key, value in new.items():
        if key in old:
            yield from differences(old[key], value, f"{path}.{key}")
        else:
            yield f"{path}.{key}: added"


def _has_servers(value: object) -> bool:
    return isinstance(value, tuple) and bool(value) and isinstance(value[0], ServerConfig)


def _by_id(servers: Any) -> dict[str, ServerConfig]:
    found: Sequence[ServerConfig] = servers
    return {server.id: server for server in found}


def _text(value: object) -> str:
    return "off" if value is None else str(value)
