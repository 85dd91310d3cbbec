"""What stands under ``app`` in a configuration: code, or the name of some, and which kind it is.

async def app(scope, receive, send)         an ASGI application
async def app(request) -> Response          a handler
"package.module:name"                       either of them, imported
"""

import enum
import inspect
from collections.abc import Callable
from importlib import import_module
from typing import Any

from trio_lb.model.errors import ConfigError, Problem
from trio_lb.proxy.inside.fence import text_of


class Kind(enum.Enum):
    """How an application is called."""

    ASGI = "ASGI application"
    HANDLER = "async function of a request"


def load(app: object) -> object:
    """Return the code that ``app`` is or names.

    Raises:
      ConfigError: it can't be imported, or there is nothing of that name.
    """
    if not isinstance(app, str):
        return app
    module, _, path = app.partition(":")
    try:
        found: object = import_module(module)
        for name in path.split("."):
            found = getattr(found, name)
    except Exception as error:  # Importing runs code of somebody else's: it may raise anything.
        raise _refused(f"{app!r} can't be imported: {text_of(error)}") from error
    return found


def kind_of(app: object) -> Kind:
    """Say which kind of application ``app`` is, by what it can be called with.

    Raises:
      ConfigError: it is neither.
    """
    name = name_of(app)
    if isinstance(app, type):
        raise _refused(f"{name} is a class: give an instance of it")
    if not callable(app):
        raise _refused(f"{name} can't be called")
    if _takes(app, 3) and _needed(app) != 1:
        return Kind.ASGI
    if _takes(app, 1):
        return Kind.HANDLER
    raise _refused(f"{name} takes neither (scope, receive, send) nor (request)")


def name_of(app: object) -> str:
    """Return what people call this code."""
    if isinstance(app, str):
        return app
    name = getattr(app, "__qualname__", None) or type(app).__qualname__
    return str(name)


def _takes(app: Callable[..., Any], count: int) -> bool:
    try:
        inspect.signature(app).bind(*range(count))
    except (TypeError, ValueError):
        return False
    return True


def _needed(app: Callable[..., Any]) -> int:
    """How many arguments must be given: a second and third that may be left out say nothing."""
    parameters = inspect.signature(app).parameters.values()
    return sum(
        each.default is each.empty
        for each in parameters
        if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)
    )


def _refused(message: str) -> ConfigError:
    return ConfigError([Problem("app", message)])
