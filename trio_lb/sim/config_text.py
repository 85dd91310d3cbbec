"""A configuration as a line of text: the same for the same, however its file was written.

It is what a trace's header holds the hash of, so that whoever makes the run again can be told
that the configuration is not the one of then. What is as by default is left out: a version
with one setting more, which nobody has touched, gives the same text. Of files that it names
(certificates, which a simulation exchanges, and logs) only the name counts: the folder is
another one on each machine.
"""

import json
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any, Final

import attrs

from trio_lb.config.schema import Config
from trio_lb.sim.trace import hash_of_config

_FILES: Final = ("certificate", "private_key", "client_ca", "ca", "file")
"""Settings that are paths."""


def hash_of_plans(plans: Mapping[str, Config]) -> str:
    """Return the hash of what balancers are configured with, by their names; "" for no balancer."""
    return hash_of_config(text_of(plans)) if plans else ""


def text_of(value: object) -> str:
    """Return a line of JSON; code is in it by its name only."""
    return json.dumps(_plain(value), sort_keys=True)


def _plain(value: object) -> object:
    if isinstance(value, str | int | float | None):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if attrs.has(type(value)):
        return _section(value)
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    # The address of an object would differ from process to process.
    named = getattr(value, "__qualname__", None)
    return f"{value.__module__}:{named}" if named else type(value).__qualname__


def _section(section: Any) -> object:
    """What differs from the defaults of its class."""
    fields = attrs.fields(type(section))
    values = {field.name: getattr(section, field.name) for field in fields}
    return {
        field.name: _said(field.name, values[field.name])
        for field in fields
        if values[field.name] != _default(field)
    }


def _said(name: str, value: object) -> object:
    is_file = name in _FILES and isinstance(value, str)
    return PurePath(str(value)).name if is_file else _plain(value)


def _default(field: "attrs.Attribute[Any]") -> object:
    # What attrs.Factory makes is a class at run time, and a function in its annotations.
    made = getattr(field.default, "factory", None)
    return field.default if made is None else made()
