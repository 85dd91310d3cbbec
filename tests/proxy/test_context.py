"""What connections share: limits as configured, one stream of chance for each purpose."""

import trio

from tests.proxy.stage import context_of
from trio_lb.config.schema import LimitsConfig, TimeoutsConfig
from trio_lb.sim.env import SimEnv


async def test_what_is_configured_is_in_force(env: SimEnv) -> None:
    context = context_of(
        env,
        timeouts=TimeoutsConfig(connect=1.5),
        limits=LimitsConfig(max_connections=7),
        trusted_proxies=("10.0.0.0/8",),
        answer_headers=True,
        forwarded_headers=False,
    )
    async with context.connections:
        assert context.timeouts.connect == 1.5
        assert context.limits.max_connections == 7
        assert context.trust.covers("10.1.2.3")
        assert (context.answer_headers, context.forwarded_headers) == (True, False)
        assert not context.draining


async def test_two_balancers_have_two_names_in_via(env: SimEnv) -> None:
    names = set()
    for _ in range(10):
        async with (context := context_of(env)).connections:
            names.add(context.pseudonym)
    assert len(names) == 10
    assert all(name.startswith("trio-lb-") for name in names)


async def test_picks_and_retries_draw_from_streams_of_their_own(env: SimEnv) -> None:
    context = context_of(env)
    async with context.connections:
        assert context.pick_rng is env.rng("pick")
        assert context.retry_rng is env.rng("retry")


async def test_answers_are_dated_with_wall_time(env: SimEnv) -> None:
    context = context_of(env)
    assert context.date_line() == b"Date: Thu, 01 Jan 2026 00:00:00 GMT\r\n"
    await trio.sleep(86_400.0)
    assert context.date_line() == b"Date: Fri, 02 Jan 2026 00:00:00 GMT\r\n"
