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
    from trio_lb.app.pool_face import PoolFace as PoolFace
    from trio_lb.config.schema import BreakerConfig as BreakerConfig
    from trio_lb.config.schema import BudgetConfig as BudgetConfig
    from trio_lb.config.schema import Config as Config
    from trio_lb.config.schema import HealthCheckConfig as HealthCheckConfig
    from trio_lb.config.schema import LimitsConfig as LimitsConfig
    from trio_lb.config.schema import ListenerConfig as ListenerConfig
    from trio_lb.config.schema import LoggingConfig as LoggingConfig
    from trio_lb.config.schema import OutlierConfig as OutlierConfig
    from trio_lb.config.schema import PoolConfig as PoolConfig
    from trio_lb.config.schema import ProbeConfig as ProbeConfig
    from trio_lb.config.schema import RetryConfig as RetryConfig
    from trio_lb.config.schema import ServerConfig as ServerConfig
    from trio_lb.config.schema import TimeoutsConfig as TimeoutsConfig
    from trio_lb.config.schema import UpstreamTls as UpstreamTls
    from trio_lb.control.health_status import HealthStatus as HealthStatus
    from trio_lb.model.address import Address as Address
    from trio_lb.model.errors import AmbiguousServer as AmbiguousServer
    from trio_lb.model.errors import ConfigError as ConfigError
    from trio_lb.model.errors import NoServerAvailable as NoServerAvailable
    from trio_lb.model.errors import Problem as Problem
    from trio_lb.model.errors import RequestCut as RequestCut
    from trio_lb.model.errors import TrioLbError as TrioLbError
    from trio_lb.model.errors import UnknownServer as UnknownServer
    from trio_lb.model.events import CircuitBreakerHalfOpened as CircuitBreakerHalfOpened
    from trio_lb.model.events import CircuitBreakerOpened as CircuitBreakerOpened
    from trio_lb.model.events import CircuitBreakerReset as CircuitBreakerReset
    from trio_lb.model.events import ConfigRejected as ConfigRejected
    from trio_lb.model.events import ConfigUpdated as ConfigUpdated
    from trio_lb.model.events import Destroyed as Destroyed
    from trio_lb.model.events import Event as Event
    from trio_lb.model.events import FailOpenEntered as FailOpenEntered
    from trio_lb.model.events import FailOpenLeft as FailOpenLeft
    from trio_lb.model.events import ListenerClosed as ListenerClosed
    from trio_lb.model.events import ListenerOpened as ListenerOpened
    from trio_lb.model.events import LoopLagged as LoopLagged
    from trio_lb.model.events import MetricsUpdated as MetricsUpdated
    from trio_lb.model.events import NoHealthyServers as NoHealthyServers
    from trio_lb.model.events import RequestCompleted as RequestCompleted
    from trio_lb.model.events import RequestFailed as RequestFailed
    from trio_lb.model.events import RequestRecord as RequestRecord
    from trio_lb.model.events import RequestRetried as RequestRetried
    from trio_lb.model.events import RequestShed as RequestShed
    from trio_lb.model.events import RequestStarted as RequestStarted
    from trio_lb.model.events import ServerAdded as ServerAdded
    from trio_lb.model.events import ServerDrained as ServerDrained
    from trio_lb.model.events import ServerDraining as ServerDraining
    from trio_lb.model.events import ServerEjected as ServerEjected
    from trio_lb.model.events import ServerEvent as ServerEvent
    from trio_lb.model.events import ServerHealthChanged as ServerHealthChanged
    from trio_lb.model.events import ServerReadmitted as ServerReadmitted
    from trio_lb.model.events import ServerRemoved as ServerRemoved
    from trio_lb.model.events import ServerResumed as ServerResumed
    from trio_lb.model.events import ServerSelected as ServerSelected
    from trio_lb.model.events import SessionCreated as SessionCreated
    from trio_lb.model.events import SessionsCleaned as SessionsCleaned
    from trio_lb.model.headers import Headers as Headers
    from trio_lb.model.message import RequestHead as RequestHead
    from trio_lb.model.probe_result import ProbeResult as ProbeResult
    from trio_lb.model.request import Request as Request
    from trio_lb.model.response import Response as Response
    from trio_lb.net.bus import Subscription as Subscription
    from trio_lb.policy.balance.base import Context as Context
    from trio_lb.policy.breaker import BreakerState as BreakerState
    from trio_lb.state.ledger import Statistics as Statistics
    from trio_lb.state.pool import PoolStatistics as PoolStatistics
    from trio_lb.state.server import Server as Server
    from trio_lb.state.server import ServerState as ServerState

_HOMES = {
    "trio_lb.app": (
        "LoadBalancer",
        "LoadBalancerManager",
        "Service",
        "open_load_balancer",
    ),
    "trio_lb.app.middleware": (
        "CallNext",
        "Middleware",
        "MiddlewareContext",
    ),
    "trio_lb.app.pool_face": ("PoolFace",),
    "trio_lb.config.schema": (
        "BreakerConfig",
        "BudgetConfig",
        "Config",
        "HealthCheckConfig",
        "LimitsConfig",
        "ListenerConfig",
        "LoggingConfig",
        "OutlierConfig",
        "PoolConfig",
        "ProbeConfig",
        "RetryConfig",
        "ServerConfig",
        "TimeoutsConfig",
        "UpstreamTls",
    ),
    "trio_lb.control.health_status": ("HealthStatus",),
    "trio_lb.model.address": ("Address",),
    "trio_lb.model.errors": (
        "AmbiguousServer",
        "ConfigError",
        "NoServerAvailable",
        "Problem",
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
        "RequestStarted",
        "ServerAdded",
        "ServerDrained",
        "ServerDraining",
        "ServerEjected",
        "ServerEvent",
        "ServerHealthChanged",
        "ServerReadmitted",
        "ServerRemoved",
        "ServerResumed",
        "ServerSelected",
        "SessionCreated",
        "SessionsCleaned",
    ),
    "trio_lb.model.headers": ("Headers",),
    "trio_lb.model.message": ("RequestHead",),
    "trio_lb.model.probe_result": ("ProbeResult",),
    "trio_lb.model.request": ("Request",),
    "trio_lb.model.response": ("Response",),
    "trio_lb.net.bus": ("Subscription",),
    "trio_lb.policy.balance.base": ("Context",),
    "trio_lb.policy.breaker": ("BreakerState",),
    "trio_lb.state.ledger": ("Statistics",),
    "trio_lb.state.pool": ("PoolStatistics",),
    "trio_lb.state.server": (
        "Server",
        "ServerState",
    ),
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
