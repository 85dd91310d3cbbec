"""What ``trio-lb whatif`` says, word by word."""

import attrs

from trio_lb.cli.whatif_table import Chapter, chapter_text, whatif_data
from trio_lb.sim.report.lines import Line
from trio_lb.sim.search.explore import Finding
from trio_lb.sim.search.trial import Outcome, Trial
from trio_lb.sim.whatif.compare import Compared
from trio_lb.sim.whatif.decisions import Parting

LINES = (
    Line("requests", (2000.0, 2000.0), "n", 0),
    Line("good", (0.95, 0.995), "%", 1),
    Line("p99", (8e7, 1.2e8), "ns"),
)
COMPARED = Compared(
    lines=LINES,
    old_broken={"error_rate": "5% > 2%"},
    old_command="trio-lb simulate storm",
    new_command="trio-lb simulate calm",
    pick=Parting("1 s lb: picks s1", "1 s lb: picks s2"),
    verdict=Parting("", "2 s lb: finds s1 unhealthy"),
    data={"schema": 1, "figures": {"p99": 7}},
)


def chapter(*outcomes: Outcome) -> Chapter:
    findings = [Finding(Trial("storm", seed=n), each) for n, each in enumerate(outcomes)]
    return Chapter("storm", findings)


def test_one_seed_is_a_table_its_checks_and_where_they_part() -> None:
    assert chapter_text(chapter(COMPARED)).splitlines() == [
        "storm, seed 0, the same clients and faults for both",
        "                old      new  change",
        "  requests    2,000    2,000  same",
        "  good      95.000%  99.500%  +4.500 points better",
        "  p99         80 ms   120 ms  +50.0% worse",
        "  percentiles are of good requests only",
        "  broken by the old one only: error_rate (in 1 seed)",
        "    5% > 2%",
        "    to look at it: trio-lb simulate storm --html out.html --trace run.jsonl",
        "  the first request that goes elsewhere, in seed 0:",
        "    old: 1 s lb: picks s1",
        "    new: 1 s lb: picks s2",
        "  the first verdict that differs, in seed 0:",
        "    old: nothing more",
        "    new: 2 s lb: finds s1 unhealthy",
    ]


def test_several_seeds_are_means_with_how_often_who_was_better() -> None:
    worse = attrs.evolve(COMPARED, old_broken={}, new_broken={"leak": "a lease"})
    text = chapter_text(chapter(COMPARED, worse, attrs.evolve(COMPARED, pick=None)))
    assert text.splitlines()[:12] == [
        "storm, 3 seeds (0 to 2), the same clients and faults for both",
        "                old      new  change",
        "  requests    2,000    2,000  same",
        "  good      95.000%  99.500%  +4.500 points (3 better)",
        "  p99         80 ms   120 ms  +50.0% (3 worse)",
        "  percentiles are of good requests only",
        "  broken by the old one only: error_rate (in 2 seeds)",
        "    5% > 2%",
        "    to look at it: trio-lb simulate storm --html out.html --trace run.jsonl",
        "  BROKEN BY THE NEW ONE ONLY: leak (in 1 seed)",
        "    a lease",
        "    to look at it: trio-lb simulate calm --html out.html --trace run.jsonl",
    ]


def test_of_what_both_break_the_new_one_s_way_is_told() -> None:
    both = attrs.evolve(COMPARED, new_broken={"error_rate": "3% > 2%"})
    assert chapter_text(chapter(both)).splitlines()[6:9] == [
        "  broken by both, in this way by the new one: error_rate (in 1 seed)",
        "    3% > 2%",
        "    to look at it: trio-lb simulate calm --html out.html --trace run.jsonl",
    ]


def test_what_is_to_be_said_of_the_faults_comes_first() -> None:
    noted = attrs.evolve(chapter(COMPARED), notes=["1 of 2 faults begins after the end"])
    assert chapter_text(noted).splitlines()[1] == "  1 of 2 faults begins after the end"


def test_what_is_the_same_is_not_told_twice() -> None:
    same = Compared(lines=LINES[:1])
    assert chapter_text(chapter(same)).splitlines()[2:] == [
        "  requests  2,000  2,000  same",
        "  all checks held with both",
    ]


def test_a_side_that_never_came_to_the_point_is_vacuous() -> None:
    both = Compared(lines=LINES[:1], old_missed=("a panic",), new_missed=("a panic", "a retry"))
    new = Compared(lines=LINES[:1], new_missed=("a retry",))
    assert chapter_text(chapter(both, new)).splitlines()[-3:] == [
        "  all checks held with both",
        "  VACUOUS with the old one, never reached: a panic (in 1 seed)",
        "  VACUOUS with the new one, never reached: a panic (in 1 seed), a retry (in 2 seeds)",
    ]


def test_a_crash_is_told_with_its_seed() -> None:
    crashed = Outcome({"crashed": "seed 1: ValueError: five\nTraceback"})
    only = chapter(crashed)
    assert only.crashed == list(only.findings)
    told = chapter_text(chapter(COMPARED, crashed)).splitlines()
    assert told[0] == "storm, 2 seeds (0 to 1), the same clients and faults for both"
    assert told[-1] == "  seed 1: crashed: ValueError: five"


def test_worse_is_who_breaks_what_was_kept() -> None:
    broken = Compared(lines=LINES, new_broken={"leak": ""})
    kept = attrs.evolve(broken, old_broken={"leak": ""})
    assert [chapter(each).is_worse for each in (COMPARED, broken, kept)] == [False, True, False]


def test_a_program_is_told_the_same() -> None:
    crashed = Outcome({"crashed": "boom"})
    compared = attrs.evolve(COMPARED, new_missed=("a panic",))
    data = whatif_data("a.yaml", "b.yaml", [chapter(compared, crashed)], interrupted=False)
    assert data == {
        "schema": 1,
        "old": "a.yaml",
        "new": "b.yaml",
        "interrupted": False,
        "worse": False,
        "scenarios": [
            {
                "scenario": "storm",
                "seeds": [
                    {
                        "seed": 0,
                        "broken": {"old": {"error_rate": "5% > 2%"}, "new": {}},
                        "vacuous": {"old": [], "new": ["a panic"]},
                        "first_pick": {"old": "1 s lb: picks s1", "new": "1 s lb: picks s2"},
                        "first_verdict": {"old": "", "new": "2 s lb: finds s1 unhealthy"},
                        "figures": {"p99": 7},
                    },
                    {"seed": 1, "crashed": {"crashed": "boom"}},
                ],
            }
        ],
    }


def test_what_is_not_comparable_is_neither_better_nor_worse() -> None:
    apart = Compared(lines=(LINES[1], attrs.evolve(LINES[2], comparable=False)))
    for seeds in ([apart], [apart, COMPARED_LIKE]):
        lines = chapter_text(chapter(*seeds)).splitlines()
        assert lines[3] == "  p99     80 ms   120 ms  not comparable"
        assert lines[5] == "  not comparable: the counts of good answers differ by more than 1%"


COMPARED_LIKE = Compared(lines=LINES[1:])


def test_a_figure_that_nobody_told_is_no_zero() -> None:
    unknown = Compared(
        lines=(Line("good", (1.0, 1.0), "%", 1), Line("misplaced requests", (None, None), "%"))
    )
    for seeds in ([unknown], [unknown, unknown]):
        assert chapter_text(chapter(*seeds)).splitlines()[2:] == [
            "  good                100.000%  100.000%  same",
            "  misplaced requests         –         –",
            "  – queues and loads: only the simulator's own servers tell of them, no programs",
            "  all checks held with both",
        ]
