"""What ``trio-lb simulate`` says, word by word."""

import argparse

import attrs

from tests.cli import stories
from trio_lb.cli.arguments import Parser
from trio_lb.cli.simulate_options import Asked, add_simulate_arguments, asked
from trio_lb.cli.simulate_text import (
    catalogue,
    first_of,
    many_runs,
    many_runs_data,
    missed,
    one_run,
    plural,
    small_text,
    verdict,
)
from trio_lb.sim.checks.violation import Reached, Verdict, Violation
from trio_lb.sim.limits import at_least, one_of
from trio_lb.sim.result import Result
from trio_lb.sim.scenario import Scenario
from trio_lb.sim.search.explore import Exploration, Finding
from trio_lb.sim.search.shrink import Shrunk
from trio_lb.sim.search.trial import Outcome, Trial
from trio_lb.sim.sweep.failure import Small

HELD = Verdict("no_leaks", True, 0, None)
BROKEN = Verdict(
    "error_rate", False, 3, Violation(2.0, "error_rate", "5% > 2%", req=7, entity="web")
)
RESULT = Result(
    name="storm", seed=4, until=9.0, settle=1.0, schedule="fifo", faults=(), verdicts=(HELD,),
    coverage=(), trace_hash="beef", happenings=12345, command="trio-lb simulate storm --seed 4",
)  # fmt: skip


def asked_by(*argv: str) -> Asked:
    parser: argparse.ArgumentParser = Parser(prog="trio-lb simulate")
    add_simulate_arguments(parser)
    assert isinstance(parser, Parser)
    return asked(parser.parse(argv))


def found(seed: int, *reached: str, **violations: str) -> Finding:
    return Finding(Trial("fleet", seed=seed), Outcome(violations, f"{seed:x}", {}, reached))


def test_a_catalogue_has_the_numbers_first_and_the_options_below() -> None:
    def build(setup: object) -> object:
        raise AssertionError("nobody runs it")

    story = Scenario("storm", "clients try again", build, 60.0, number=2)  # type: ignore[arg-type] # It is never built.
    other = attrs.evolve(
        story,
        name="day",
        number=0,
        summary="a day",
        options={"n": 3, "k": 2, "way": "x"},
        limits={"n": at_least(1), "way": one_of("x", "y")},
    )
    assert catalogue([other, story]) == (
        " 2  storm  clients try again\n -  day    a day\n           --option n=3 (>= 1), k=2, way=x (x|y)"
    )


def test_a_run_that_held_says_so_with_its_hash() -> None:
    assert list(verdict(RESULT)) == ["trace beef, 12,345 happenings", "all 1 check held"]


def test_a_run_that_held_and_shows_nothing_says_so() -> None:
    vacuous = attrs.evolve(RESULT, coverage=(Reached("a breaker opens", None),))
    assert list(verdict(vacuous))[-1] == "all 1 check held, which shows little: the run is vacuous"


def test_a_run_that_did_not_says_what_came_first() -> None:
    assert list(verdict(attrs.evolve(RESULT, verdicts=(HELD, BROKEN)))) == [
        "trace beef, 12,345 happenings",
        "1 of 2 checks broken:",
        "  2.000000 s error_rate: web, request 7: 5% > 2%",
    ]


def test_one_run_is_its_summary_and_its_verdict() -> None:
    told = asked_by(f"{stories.__name__}:calm", "--until", "1", "--settle", "0")
    sim = told.scenario.simulation()
    result = sim.run(1.0)
    text = one_run(result, ascii_only=True)
    assert text == "\n".join([result.summary(ascii_only=True), *verdict(result)])
    assert text.isascii()


def test_seeds_that_all_held_are_one_line() -> None:
    told = asked_by("fleet", "--seeds", "2", "--seed", "5")
    explored = Exploration((found(5), found(6)))
    assert many_runs(told, explored, []) == "fleet, seeds 5 to 6: all 2 held"
    only = attrs.evolve(explored, findings=(found(5),))
    assert many_runs(asked_by("fleet", "--seed", "5"), only, []) == "fleet, seed 5: all 1 held"


def test_seeds_that_failed_are_listed_with_what_was_reached_and_what_never_was() -> None:
    explored = Exploration(
        (
            found(0, "a", "b"),
            found(1, "a", leak="3.000000 s leak: lb: a lease", rate="5%"),
            found(2, crashed="seed 2: ValueError: five\nTraceback"),
        )
    )
    assert many_runs(asked_by("fleet", "--seeds", "3", "--swarm"), explored, ["a", "b", "c", "d"]) == (
        "fleet, seeds 0 to 2: 1 held (1 of them vacuous), 2 failed\n"
        "  seed 1: 3.000000 s leak: lb: a lease (and 1 check more)\n"
        "  seed 2: crashed: ValueError: five\n"
        "  reached by 2 of 3: a\n"
        "  reached by 1 of 3: b\n"
        "VACUOUS: never reached: c, d\n"
        "to look at it: trio-lb simulate fleet --swarm --seed 1 --html out.html --trace run.jsonl"
    )  # fmt: skip


def test_each_seed_that_missed_a_point_is_counted_though_another_reached_it() -> None:
    explored = Exploration((found(0, "a", "b"), found(1, "b"), found(2)))
    assert many_runs(asked_by("fleet", "--seeds", "3"), explored, ["a", "b"]) == (
        "fleet, seeds 0 to 2: all 3 held (2 of them vacuous)\n"
        "  reached by 1 of 3: a\n"
        "  reached by 2 of 3: b"
    )
    assert missed(explored, ["a", "b", "c"]) == ["c"]
    assert missed(Exploration(()), ["a"]) == []


def test_an_interrupted_search_tells_of_the_seeds_that_are_done() -> None:
    told = asked_by("fleet", "--seeds", "1000")
    explored = Exploration((found(0), found(1, leak="a lease")), interrupted=True)
    lines = many_runs(told, explored, []).splitlines()
    assert lines[:2] == [
        "fleet, seeds 0 to 999: interrupted after 2 of 1,000: 1 held, 1 failed",
        "  seed 1: leak: a lease",
    ]
    nothing = many_runs(told, Exploration((), interrupted=True), ["a"])
    assert nothing == "fleet, seeds 0 to 999: interrupted after 0 of 1,000: all 0 held"


def test_no_more_than_twenty_failures_are_listed() -> None:
    told = asked_by("fleet", "--seeds", "30")
    lines = many_runs(
        told, Exploration(tuple(found(n, leak="x") for n in range(30))), []
    ).splitlines()
    assert lines[20:22] == ["  seed 19: leak: x", "  and 10 more"]


def test_a_failure_in_a_line_names_its_check_once() -> None:
    assert first_of(found(1, leak="1.0 s leak: lb: a lease")) == "1.0 s leak: lb: a lease"
    assert first_of(found(1, twins="two runs")) == "twins: two runs"


def test_what_is_left_of_a_failure_is_a_line_and_the_test() -> None:
    before = Trial("fleet", seed=7, until=60)
    after = attrs.evolve(before, until=12)
    small = Small(before, Shrunk(after, "leak", "a lease", 25, True), "def test() -> None: ...\n")
    line = "seed 7 made small in 25 runs: 0 of 0 faults, 12 of 60 s"
    assert small_text(small, None) == f"{line}\n\ndef test() -> None: ..."
    assert small_text(small, "test_it.py") == f"{line}\nthe test is in test_it.py"
    assert small_text(attrs.evolve(small, test=""), None) == f"{line}\n  a lease"
    cut = attrs.evolve(small, shrunk=attrs.evolve(small.shrunk, finished=False))
    assert small_text(cut, "t.py").splitlines()[0] == f"{line}; stopped there, more might go"


def test_a_program_is_told_the_same() -> None:
    told = asked_by("fleet", "--seeds", "3", "--seed", "1")
    explored = Exploration((found(1, "a"), found(2, leak="a lease")), interrupted=True)
    assert many_runs_data(told, explored, ["a", "b"], None) == {
        "schema": 1,
        "scenario": "fleet",
        "first_seed": 1,
        "count": 3,
        "interrupted": True,
        "seeds": [
            {
                "seed": 1,
                "ok": True,
                "violations": {},
                "trace_hash": "1",
                "broken_at": {},
                "digest": {},
                "coverage": ["a"],
                "vacuous": ["b"],
                "command": "trio-lb simulate fleet --seed 1",
            },
            {
                "seed": 2,
                "ok": False,
                "violations": {"leak": "a lease"},
                "trace_hash": "2",
                "broken_at": {},
                "digest": {},
                "coverage": [],
                "vacuous": ["a", "b"],
                "command": "trio-lb simulate fleet --seed 2",
            },
        ],
        "missed": ["b"],
        "small": None,
    }


def test_counts_are_words() -> None:
    assert [plural(count, "seed") for count in (0, 1, 2000)] == ["0 seeds", "1 seed", "2,000 seeds"]
