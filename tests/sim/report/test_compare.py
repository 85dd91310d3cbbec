"""Two runs on one page: which is better, and for whom."""

import json
import re

import attrs
import pytest

from tests.sim.report.browser import dump, needs_chromium
from tests.sim.report.fake_run import UNTIL, facts, made_up
from tests.sim.report.test_page import MOST_BYTES, Sound
from trio_lb.sim.happening import Happening, What
from trio_lb.sim.report.compare import comparison_json, comparison_page
from trio_lb.sim.report.data import RunFacts, Verdict
from trio_lb.sim.report.figures import Figures
from trio_lb.sim.report.lines import LEGEND, lines_of
from trio_lb.sim.report.tally import Tally


@pytest.fixture(scope="module")
def runs() -> tuple[Figures, Figures]:
    return made_up("no <b>breaker", breaker=False), made_up("breaker", breaker=True)


def test_a_breaker_is_better_and_the_page_says_for_how_many(runs: tuple[Figures, Figures]) -> None:
    html = comparison_page(*runs)
    sound = Sound(html)
    assert len(html.encode()) < MOST_BYTES
    assert len(sound.ids) == len(set(sound.ids))
    verdicts = {line.name: line.verdict for line in lines_of(*runs)}
    assert verdicts["good"] == verdicts["answers of status 5xx"] == "good"
    text = re.sub(r"<[^>]*>", " ", html)
    data = comparison_json(*runs)["pairs"]
    assert isinstance(data, dict)
    assert f"{data['rescued']:,} failed in A only, {data['lost']:,} in B only" in text
    assert data["rescued"] > 10 * data["lost"]
    assert "no &lt;b&gt;breaker" in html


def test_runs_that_were_not_offered_the_same_are_marked(runs: tuple[Figures, Figures]) -> None:
    assert "were not offered the same requests" not in comparison_page(*runs)
    other = made_up("other seed", breaker=True, seed=8)
    html = comparison_page(runs[0], other)
    assert "were not offered the same requests" in html
    assert "seeds 7 and 8" in html


def test_faults_that_differ_are_drawn_for_both(runs: tuple[Figures, Figures]) -> None:
    tally = Tally(UNTIL)
    calm = Figures.of(facts(name="calm"), tally)
    assert 'id="faults-b"' in comparison_page(runs[0], calm)
    assert 'id="faults-b"' not in comparison_page(*runs)


def test_the_json_has_the_keys_that_the_documentation_names(runs: tuple[Figures, Figures]) -> None:
    data = json.loads(json.dumps(comparison_json(*runs), allow_nan=False))
    assert sorted(data) == ["figures", "pairs", "schema"]
    assert sorted(data["pairs"]) == [
        *("bins", "compared", "faster", "gains", "is_common", "losses", "lost", "mean_ns"),
        *("outcomes", "quantiles_ns", "rescued", "same", "slower", "unpaired"),
    ]
    assert list(data["figures"]) == [line.name for line in lines_of(*runs)]


@needs_chromium
def test_in_a_browser_its_script_runs(
    runs: tuple[Figures, Figures], tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert 'data-script="ran"' in dump(comparison_page(*runs), tmp_path_factory.mktemp("page"))


def test_the_page_tells_the_story_the_verdict_and_the_command(
    runs: tuple[Figures, Figures],
) -> None:
    old, new = (attrs.evolve(each, facts=judged(each.facts, kept)) for each, kept in zip(
        runs, ({"queue"}, {"rate", "queue"}), strict=True
    ))  # fmt: skip
    html = comparison_page(old, new, story="zone-partition", command="trio-lb whatif a b")
    text = re.sub(r"<[^>]*>", " ", html)
    assert "broken by A only: rate " in text
    assert "broken by both: leak " in text
    assert "broken by B only" not in text
    assert "zone-partition, seed 7" in text
    assert "trio-lb whatif a b" in text
    assert LEGEND in text


def judged(facts: RunFacts, kept: set[str]) -> RunFacts:
    return attrs.evolve(
        facts,
        verdicts=tuple(
            Verdict(name, name in kept, int(name not in kept)) for name in ("rate", "queue", "leak")
        ),
    )


def test_programs_of_ones_own_have_no_plots_of_queues() -> None:
    told = [(0.0, What.ARRIVE, ("GET",)), (1.0, What.DONE, (1, 1, 10**9, ""))]
    tally = Tally(UNTIL)
    for at, what, values in told:
        tally.hear(Happening(at, what, "web", 1, 1, values))
    own = Figures.of(facts(name="own"), tally)
    html = comparison_page(own, own)
    assert [title in html for title in ("Good", "Queued", "Amplification")] == [True, False, False]
    assert "only the simulator&#x27;s own servers tell of them" in html
    assert "Load over the fair share" not in html
