"""The tables say what was checked, what it cost, and lead to the instant and the request."""

import re

import pytest

from tests.sim.report.fake_run import facts, figures
from trio_lb.sim.report import tables
from trio_lb.sim.report.data import CoveragePoint, Verdict
from trio_lb.sim.report.figures import Figures


@pytest.fixture(scope="module")
def made() -> Figures:
    return figures()


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


def test_a_violated_check_has_a_row_that_leads_to_its_instant_and_request(made: Figures) -> None:
    req = made.tally.sample.chosen()[5].req
    verdict = Verdict("deadline", False, 3, "it took 1.2 s", 11.5, req)
    html = tables.checks(Figures.of(facts(verdicts=(Verdict("leaks", True), verdict)), made.tally))
    assert words(html).endswith(f"✗ violated deadline 3 it took 1.2 s 11.5 s {req} ✓ leaks")
    assert 'data-at="11.5"' in html
    assert f'data-req="{req}">{req}</button>' in html


def test_a_request_whose_life_was_not_kept_is_a_mere_number(made: Figures) -> None:
    assert tables.request(999_999, made) == "999999"
    assert tables.request(0, made) == "–"


@pytest.mark.parametrize(
    ("verdicts", "coverage", "said"),
    [
        ((), (), "nothing was checked"),
        ((Verdict("a", True),), (), "1 check held"),
        ((Verdict("a", True), Verdict("b", False)), (), "1 of 2 checks violated"),
        (
            (Verdict("a", True),),
            (CoveragePoint("never"),),
            "1 check held vacuous: 1 point of coverage was never reached",
        ),
    ],
)
def test_the_verdict_is_loud_about_what_was_not_tested(
    made: Figures, verdicts: tuple[Verdict, ...], coverage: tuple[CoveragePoint, ...], said: str
) -> None:
    run = Figures.of(facts(verdicts=verdicts, coverage=coverage), made.tally)
    assert words(tables.verdict_line(run)) == said


def test_points_never_reached_come_first(made: Figures) -> None:
    said = words(tables.coverage(made))
    assert said.index("retry budget exhausted never: vacuous") < said.index("a breaker opened")


def test_faults_that_were_planned_and_never_began_are_told(made: Figures) -> None:
    assert "never began" not in tables.faults(made)
    twice = Figures.of(facts(faults=facts().faults * 2), made.tally)
    assert "2 planned faults never began" in words(tables.faults(twice))


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ("", ""),
        ("{}", ""),
        ('{"x": 20.0, "fin": true, "of": "b"}', "x 20, fin yes, of b"),
        ("no json", "no json"),
        ("[1]", "[1]"),
    ],
)
def test_a_fault_s_arguments_read_like_words(args: str, said: str) -> None:
    assert tables.arguments(args) == said


def test_each_server_s_share_stands_beside_what_was_fair(made: Figures) -> None:
    said = words(tables.servers(made))
    for share in made.load.shares:
        assert f"{share.server.name} {share.taken:,} {share.got:.1%} {share.fair:.1%}" in said


def test_a_table_of_more_rows_than_a_page_can_hold_says_how_many_are_missing() -> None:
    html = tables.table(("a",), [("x",)] * (tables.MOST_ROWS + 7), caption="many")
    assert html.count("<tr>") == tables.MOST_ROWS + 1
    assert "and 7 more" in html


def test_requests_are_listed_worst_first(made: Figures) -> None:
    html = tables.requests(made.tally.sample.chosen())
    listed = [int(req) for req in re.findall(r'data-req="(\d+)"', html)]
    lives = {life.req: life for life in made.tally.sample.chosen()}
    assert [lives[req].ok for req in listed] == sorted(lives[req].ok for req in listed)


def test_the_run_can_be_had_again(made: Figures) -> None:
    said = words(tables.run_facts(made))
    assert "replay trio-lb replay run.jsonl" in said
    assert "trace 6a09e667f3bcc908bb67ae8584caa73b" in said
