"""Opening a balancer: the root nursery, and everything that lives under it.

Under the root run one supervised nursery for each pool's probes, the timers, the watchdog,
the services that the caller passed in, and, while ``serve`` runs, the listeners. Nothing
else is ever started in the background, but for the one thread from which the watchdog
looks at the loop.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import trio

from trio_lb.app.balancer import LoadBalancer, Service
from trio_lb.app.door import open_door
from trio_lb.app.household import Household
from trio_lb.app.reach import Reach
from trio_lb.config.schema import Config
from trio_lb.control.health_checks import open_health_checks
from trio_lb.control.supervisor import Supervisor
from trio_lb.control.timers import open_timers
from trio_lb.control.watchdog import LoopWatch
from trio_lb.model.events import Destroyed
from trio_lb.net.bus import Bus
from trio_lb.net.dial import Dialer
from trio_lb.net.env import Env
from trio_lb.net.h11_codec import H11Codec
from trio_lb.net.real import RealEnv
from trio_lb.proxy.context import ProxyContext
from trio_lb.proxy.inside.apps import open_apps
from trio_lb.state.registry import Registry

if TYPE_CHECKING:
    from trio_lb.app.middleware import Middleware


@asynccontextmanager
async def open_load_balancer(
    config: Config | Mapping[str, object] | str | Path,
    *,
    env: Env | None = None,
    services: Sequence[Service] = (),
    middleware: Sequence["Middleware"] = (),
    listen_first: bool = False,
) -> AsyncGenerator[LoadBalancer, None]:
    """Run a load balancer for as long as the block does.

    ``config`` is a ``Config``, a mapping of the shape of a configuration file, or the
    path of one. ``env`` is the outside world (the real one unless a simulation hands
    in another). ``middleware`` stands around each request, the first one outermost.
    An exception of the block leaves it unchanged, not in a group. The block
    begins when the applications among the servers have started, or failed to.

    With ``listen_first`` the listeners' certificates are loaded and their addresses bound
    before any server is probed or told of, and the first ``serve`` takes them over: for who
    serves anyhow, and would rather find out at once that it can't.

    Raises:
      ConfigError: the configuration is refused; every problem is named.
      OSError: with ``listen_first``: an address can't be bound (the text names it).
    """
    plan = _as_config(config)
    world = RealEnv() if env is None else env
    bus = Bus()
    caught: BaseException | None = None
    async with trio.open_nursery() as root, _household(plan, world, bus) as (household, context):
        lb = LoadBalancer(household, context)
        async with open_door(lb.front.door), AsyncExitStack() as held:
            try:
                if listen_first:
                    await held.enter_async_context(lb.front.opened(plan))
                if middleware:
                    from trio_lb.app.middleware import Chain  # Only who has any pays for it.

                    context.middleware = Chain(lb, middleware)
                household.apply(plan)
                watch = LoopWatch(lambda: lb.config.watchdog, world, bus.publish)
                if watch.is_needed:
                    root.start_soon(watch)
                for service in services:
                    await root.start(service, lb)
                await household.wait_started()
                yield lb
            except trio.Cancelled:
                raise  # It belongs to a scope further out, or to the root itself.
            except BaseException as error:
                caught = error
        root.cancel_scope.cancel()
    bus.publish(Destroyed(at=world.now()))
    if caught is not None:
        raise caught


@asynccontextmanager
async def _household(
    plan: Config, env: Env, bus: Bus
) -> AsyncGenerator[tuple[Household, ProxyContext], None]:
    """Join timers, checks and connections; what is joined ends with the block."""
    supervisor = Supervisor(env)
    registry = Registry()
    async with (
        open_apps(env) as apps,
        open_timers(env, bus.publish, supervisor=supervisor) as timers,
    ):
        reach = Reach(registry, Dialer(env.network, apps.enter))
        context = ProxyContext(plan, env, H11Codec(), bus, timers.touch, dial=reach.dial)
        async with (
            open_health_checks(
                env, bus.publish, connect=reach.probe, supervisor=supervisor
            ) as checks,
            context.connections,
        ):
            yield (
                Household(env, bus, registry, reach, context, timers, checks, apps),
                context,
            )


def _as_config(config: Config | Mapping[str, object] | str | Path) -> Config:
    # Only who loads a configuration pays for its loader, and who builds one for its rules.
    if isinstance(config, Config):
        from trio_lb.config.verify import verified

        return verified(config)
    from trio_lb.config.load import load_file, load_mapping

    if isinstance(config, (str, Path)):
        return load_file(Path(config))
    return load_mapping(config)
