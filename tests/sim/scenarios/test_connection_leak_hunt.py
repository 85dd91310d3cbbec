"""Clients leave at every byte, in every state of the servers."""

import pytest
import trio

from tests.sim.scenarios.support import broken, run_scenario
from trio_lb.sim.env import SimEnv
from trio_lb.sim.result import Result
from trio_lb.sim.scenarios.connection_leak_hunt import STATES, Baseline
from trio_lb.sim.simulation import Simulation


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_nothing_is_left_behind_wherever_and_however_clients_leave(seed: int) -> None:
    """In three seeds in a row every byte of every state is left at by RST, by FIN and silently."""
    result = run_scenario("connection-leak-hunt", seed=seed).require()
    assert len(result.coverage) == len(STATES) + 1


def test_without_time_limits_those_who_left_without_a_word_stay_for_ever() -> None:
    assert "baseline" in broken(run_scenario("connection-leak-hunt", protected=False))


def test_nothing_is_left_behind_by_a_user_s_own_limits() -> None:
    config = {
        "load_balancer": {
            "backends": [{"address": f"10.7.0.{n}:8080"} for n in (1, 2)],
            "health_check": {"interval": "2s"},
        }
    }
    result = run_scenario("connection-leak-hunt", config=config)
    assert broken(result) == []


# ---------------------------------------------------------------------- the check


def _held(**config: object) -> Result:
    """Let somebody open a connection, say nothing, and keep it."""
    sim = Simulation(1)
    sim.server("s1")
    sim.balancer({"timeouts": {"client_head": "5s"}, **config})

    async def hold(env: SimEnv) -> None:
        await trio.sleep(1.0)
        await env.network.connect(sim.balancers["lb"].addresses[0])
        await trio.sleep_forever()

    sim.host("holder", hold)
    sim.check(Baseline(counts_kept=True))
    return sim.run(until=3.0, settle=1.0)


def test_one_connection_too_many_is_objected_to_with_all_that_belongs_to_it() -> None:
    result = _held(timeouts={"client_head": "60s"})
    (verdict,) = (each for each in result.verdicts if each.name == "baseline")
    assert verdict.violations == 4
    assert verdict.found == "4"
    assert verdict.first is not None
    now, before = (int(word) for word in verdict.first.text.split() if word.isdigit())
    assert now == before + 1
    assert verdict.first.text == f"{now} tasks where {before} were before anybody came"


def test_one_that_was_closed_in_time_is_forgotten() -> None:
    assert _held(timeouts={"client_head": "2s"}).ok
