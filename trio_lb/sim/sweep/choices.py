"""What is said of a scenario in text: its name, and its options as ``key=value``.

A value is read as its default is: a number for a number, yes or no for a flag.
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from trio_lb.config.kinds import Refused, show
from trio_lb.model.errors import ConfigError
from trio_lb.sim.scenario import Scenario
from trio_lb.sim.trial_run import scenario_of

_FLAGS: Final[Mapping[str, bool]] = {"true": True, "yes": True, "false": False, "no": False}


def importable(name: str) -> str:
    """Return the name by which a user's own scenario is imported.

    ``stories/storm.py:build`` becomes ``storm:build``, and the folder is searched from now on; a
    module of the working directory is found, too, as ``python -m`` finds it.

    Raises:
      ConfigError: there is no such file, or no function of it is named.
    """
    if name.endswith(".py"):
        raise ConfigError(
            f"{show(name)} names a file, but no function of it: write {name}:FUNCTION,"
            " for one that takes a Setup and returns a Simulation"
        )
    path, colon, function = name.rpartition(":")
    if not colon:
        return name
    file = Path(path)
    if file.suffix == ".py" and not file.is_file():
        raise ConfigError(f"there is no file {show(file.name)} in {file.parent.resolve()}")
    folder = file.parent if file.suffix == ".py" else Path()
    where = str(folder.resolve())
    if where not in sys.path:
        sys.path.insert(0, where)
    return f"{file.stem}:{function}" if file.suffix == ".py" else name


def chosen_scenario(name: str) -> Scenario:
    """Return the scenario of that name, one of the catalogue's or the user's own.

    Raises:
      ConfigError: there is none.
    """
    try:
        return scenario_of(name)
    except ConfigError:
        raise
    except Exception as error:  # Whatever a module of the user's own raises when it is imported.
        raise ConfigError(f"{show(name)} can't be loaded: {_said(error)}") from error


def _said(error: Exception) -> str:
    """Return what an error says; that of a syntax error leaves out the folder of its file."""
    name = type(error).__name__
    if isinstance(error, SyntaxError) and error.filename:
        return f"{name}: {error.msg} ({error.filename}, line {error.lineno})"
    return f"{name}: {error}"


def read_options(scenario: Scenario, texts: Sequence[str]) -> dict[str, object]:
    """Return the options that were given as ``key=value``; the last of a key counts.

    Raises:
      ConfigError: the scenario has no such option, or the value is none for it, or beyond its limit.
    """
    return dict(_option(scenario, text) for text in texts)


def _option(scenario: Scenario, text: str) -> tuple[str, object]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise ConfigError(f"{show(text)} is not of the form key=value")
    if key not in scenario.options:
        raise ConfigError(scenario.objection(key, value))
    try:
        read = _value(value, scenario.options[key])
    except Refused as error:
        raise ConfigError(f"{key}: {error}") from None
    wrong = scenario.objection(key, read)
    if wrong:
        raise ConfigError(f"{key}: {wrong}")
    return key, read


def _value(text: str, default: object) -> object:
    match default:
        case bool():
            if text.lower() not in _FLAGS:
                raise Refused(f"{show(text)} is neither true nor false (default {show(default)})")
            return _FLAGS[text.lower()]
        case int():
            return _number(text, int, "a whole number", default)
        case float():
            return _number(text, float, "a number", default)
    return text


def _number(text: str, kind: type[int] | type[float], what: str, default: object) -> object:
    try:
        return kind(text)
    except ValueError:
        raise Refused(f"{show(text)} is not {what} (default {default})") from None
