"""A load-balancing proxy for trio: a program, a library, and a simulator.

Everything public is a name of this package. A name is imported when it is first
used, so that ``import trio_lb`` and ``trio-lb --version`` cost next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from trio_lb._version import __version__

if TYPE_CHECKING:
    from trio_lb.app import LoadBalancer as LoadBalancer
    from trio_lb.app import LoadBalancerManager as LoadBalancerManager
    from trio_lb.app import Service as Service
    from trio_lb.app import open_load_balancer as open_load_balancer
    from trio_lb.app.middleware import CallNext as CallNext
    from trio_lb.app.middleware import Middleware as Middleware
    from trio_lb.app.middleware import MiddlewareContext as MiddlewareContext
    from trio_lb.config.schema import Config as Config
    from trio_lb.config.schema import ListenerConfig as ListenerConfig
    from trio_lb.config.schema import PoolConfig as PoolConfig
    from trio_lb.config.schema import ServerConfig as ServerConfig
    from trio_lb.model.address import Address as Address
    from trio_lb.model.errors import AmbiguousServer as AmbiguousServer
    from trio_lb.model.errors import ConfigError as ConfigError
    from trio_lb.model.errors import NoServerAvailable as NoServerAvailable
    from trio_lb.model.errors import RequestCut as RequestCut
    from trio_lb.model.errors import TrioLbError as TrioLbError
    from trio_lb.model.errors import UnknownServer as UnknownServer
    from trio_lb.model.headers import Headers as Headers
    from trio_lb.model.request import Request as Request
    from trio_lb.model.response import Response as Response
    from trio_lb.state.ledger import Statistics as Statistics
    from trio_lb.state.server import Server as Server

_HOMES = {
    "trio_lb.app": ("LoadBalancer", "LoadBalancerManager", "Service", "open_load_balancer"),
    "trio_lb.app.middleware": ("CallNext", "Middleware", "MiddlewareContext"),
    "trio_lb.config.schema": ("Config", "ListenerConfig", "PoolConfig", "ServerConfig"),
    "trio_lb.model.address": ("Address",),
    "trio_lb.model.errors": (
        "AmbiguousServer",
        "ConfigError",
        "NoServerAvailable",
        "RequestCut",
        "TrioLbError",
        "UnknownServer",
    ),
    "trio_lb.model.events": (
        "CircuitBreakerHalfOpened",
        "CircuitBreakerOpened",
        "CircuitBreakerReset",
        "ConfigRejected",
        "ConfigUpdated",
        "Destroyed",
        "Event",
        "FailOpenEntered",
        "FailOpenLeft",
        "ListenerClosed",
        "ListenerOpened",
        "LoopLagged",
        "MetricsUpdated",
        "NoHealthyServers",
        "RequestCompleted",
        "RequestFailed",
        "RequestRecord",
        "RequestRetried",
        "RequestShed",
        "ServerAdded",
        "ServerDrained",
        "ServerDraining",
        "ServerEjected",
        "ServerEvent",
        "ServerHealthChanged",
        "ServerReadmitted",
        "ServerRemoved",
        "ServerSelected",
        "SessionCreated",
        "SessionsCleaned",
    ),
    "trio_lb.model.headers": ("Headers",),
    "trio_lb.model.request": ("Request",),
    "trio_lb.model.response": ("Response",),
    "trio_lb.state.ledger": ("Statistics",),
    "trio_lb.state.server": ("Server",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = ["__version__", *sorted(_HOME_OF)]


def __getattr__(name: str) -> Any:
    """Import a public name at its first use (PEP 562)."""
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(home), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
