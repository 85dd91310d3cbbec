"""What a run leaves behind: verdicts, complaints, reports."""

from pathlib import Path

import pytest
import trio

from trio_lb.sim.actors.client import OpenLoop
from trio_lb.sim.arrivals import Every
from trio_lb.sim.checks import Sometimes, checks
from trio_lb.sim.env import SimEnv
from trio_lb.sim.faults.fluent import Latency, at
from trio_lb.sim.happening import Happening, What
from trio_lb.sim.result import Result
from trio_lb.sim.simulation import Simulation


@checks(What.ANSWER)
def nobody_answers(happening: Happening) -> str | None:
    """Object to each answer."""
    return f"{happening.values[3]} answered"


def played(*given: object, **options: object) -> Result:
    """Return the result of two seconds with one server, and these checks."""
    sim = Simulation(5, name="short")
    sim.server("s1")
    sim.balancer()
    sim.clients("web", OpenLoop(Every(0.5)))
    sim.faults(at(1, Latency("lb", "s1", shift=0.01, for_="500ms")))
    sim.check(*given)  # type: ignore[arg-type] # Checks, as the tests below give them.
    return sim.run(until=2, **options)


def test_a_good_run_is_returned_by_what_requires_it() -> None:
    result = played()
    assert result.require() is result
    assert (result.ok, result.is_vacuous, result.first) == (True, False, None)


def test_a_complaint_names_seed_check_request_and_faults() -> None:
    with pytest.raises(AssertionError) as caught:
        played(nobody_answers).require()
    text = str(caught.value)
    assert text.startswith("simulation 'short', seed 5, 2 s:\n")
    assert "nobody_answers: web, request 1: s1 answered" in text
    assert '"kind": "latency"' in text


def test_a_point_that_was_never_reached_makes_a_run_vacuous() -> None:
    result = played(Sometimes("a breaker opens", What.OPEN))
    assert (result.ok, result.is_vacuous) == (True, True)
    with pytest.raises(AssertionError, match="vacuous: never reached a breaker opens"):
        result.require()


def test_it_is_told_as_text_as_data_and_as_a_page(tmp_path: Path) -> None:
    result = played()
    assert result.summary().startswith("short: seed 5")
    assert result.to_data()["run"]["seed"] == 5  # type: ignore[index] # A mapping, as documented.
    result.html(tmp_path / "report.html")
    assert "<svg" in (tmp_path / "report.html").read_text()


def test_without_a_tally_there_are_no_figures() -> None:
    with pytest.raises(ValueError, match="kept no tally: run it with tally=True"):
        played(tally=False).figures()


def test_the_load_of_one_pool_is_not_held_against_others() -> None:
    sim = Simulation(5)
    for name in ("s1", "s2", "s3", "s4"):
        sim.server(name)
    backup = {"address": "s3:80", "backup": True}
    sim.balancer({"servers": ["s1:80", "s2:80", backup], "pools": {"api": {"servers": ["s4:80"]}}})
    sim.clients("web", OpenLoop(Every(0.1)))
    load = sim.run(until=2).figures().load
    assert [share.fair for share in load.shares if share.taken] == [0.5, 0.5]
    assert load.misplaced_fraction < 0.1


async def answer(stream: trio.SocketStream) -> None:
    async for _ in stream:
        await stream.send_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


async def service(env: SimEnv) -> None:
    await trio.serve_tcp(answer, 80)


def test_what_programs_of_one_s_own_do_not_tell_is_left_out(tmp_path: Path) -> None:
    sim = Simulation(5)
    sim.host("one", service)
    sim.balancer({"servers": ["one:80"]})
    sim.clients("web", OpenLoop(Every(0.5)))
    result = sim.run(until=2)
    assert result.ok
    result.html(tmp_path / "out.html")
    for text in (result.summary(), (tmp_path / "out.html").read_text("utf-8").split("<body>")[1]):
        assert "p99" in text
        for hollow in ("mplification", "Jain", "fair", "longest queue", "New connections"):
            assert hollow not in text.split("<script")[0], hollow
