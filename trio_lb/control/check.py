"""One check of one server: whatever happens, it ends in time and with a verdict."""

import trio

from trio_lb.config.schema import HealthCheckConfig
from trio_lb.control.http_probe import ask
from trio_lb.model.address import Address
from trio_lb.net.env import ConnectError, Env
from trio_lb.policy.health import CheckResult


async def check_address(env: Env, address: Address, config: HealthCheckConfig) -> CheckResult:
    """Probe ``address`` as ``config`` says; its ``port``, if set, on the same host.

    ``latency_seconds`` is the whole check's. ``detail`` tells what failed, for operators.
    Cancelled or not, no stream is left open.
    """
    target = address if config.port is None else Address(address.host, config.port)
    started_at = env.now()
    wrong: str | None = f"timed out after {config.timeout:g} s"
    with trio.move_on_after(config.timeout):
        wrong = await _what_is_wrong(env, target, config)
    return CheckResult(ok=wrong is None, latency_seconds=env.now() - started_at, detail=wrong or "")


async def _what_is_wrong(env: Env, target: Address, config: HealthCheckConfig) -> str | None:
    try:
        async with await env.network.connect(target) as stream:
            return None if config.type == "tcp" else await ask(stream, target, config)
    except ConnectError as error:
        return "connect refused" if error.refused else f"connect failed: {error}"
    except trio.BrokenResourceError:
        return "connection reset"
    except OSError as error:
        return f"connect failed: {error}"
