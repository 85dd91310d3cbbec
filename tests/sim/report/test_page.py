"""The page is one sound file that needs nothing else, small, and safe whatever names are in it."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.sim.report.browser import browse, dump, needs_chromium, screenshot
from tests.sim.report.fake_run import UNTIL, FakeRun, facts, figures
from trio_lb.sim.actors.client import OpenLoop
from trio_lb.sim.arrivals import Every
from trio_lb.sim.faults.fluent import Crash, Latency, at
from trio_lb.sim.happening import Happening, What
from trio_lb.sim.report import page as pages
from trio_lb.sim.report.data import RunFacts, Verdict
from trio_lb.sim.report.figures import Figures
from trio_lb.sim.report.page import page
from trio_lb.sim.report.tally import Tally
from trio_lb.sim.simulation import Simulation

MOST_BYTES = 2_000_000
EVIL = "</script><script>document.title = 'cracked'</script><img src=x onerror=alert(1)>&\"'"
VOID = {"meta", "br", "img", "link", "input"}


class Sound(HTMLParser):
    """Checks that each element is closed in its turn, and notes the rest."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.ids: list[str] = []
        self.texts: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.ids += [value for name, value in attrs if name == "id" and value]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> ends nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


@pytest.fixture(scope="module")
def html() -> str:
    return page(figures())


def test_every_element_is_closed_and_every_id_is_there_once(html: str) -> None:
    sound = Sound(html)
    assert len(sound.ids) == len(set(sound.ids))
    named = {a["aria-labelledby"] for _, a in sound.tags if "aria-labelledby" in a}
    assert named <= set(sound.ids)


def test_it_needs_no_other_file_and_no_network(html: str) -> None:
    for tag, attributes in Sound(html).tags:
        assert tag not in {"link", "img", "iframe", "object", "embed", "base"}
        assert not {"src", "srcset", "data", "action", "background"} & set(attributes), tag
        assert (attributes.get("href") or "#").startswith("#")
        assert not [name for name in attributes if name.startswith("on")], "no script in attributes"
    urls = set(re.findall(r"(?:https?:)?//[^\s\"'<]+", re.sub(r"(?m)^\s*//.*$", "", html)))
    assert urls == {"http://www.w3.org/2000/svg"}, "a name space, which nobody fetches"
    assert "url(" not in html
    assert "@import" not in html


def test_each_plot_has_a_name_and_each_control_can_be_reached_by_keys(html: str) -> None:
    sound = Sound(html)
    plots = [a for tag, a in sound.tags if tag == "svg" and a.get("class") == "panel"]
    assert [a["id"] for a in plots] == [
        *("faults", "traffic", "latency", "amplification", "balancer", "levels", "heat", "states"),
        "connections",
    ]
    assert all(a["role"] == "img" and a["aria-labelledby"] for a in plots)
    assert next(a for _, a in sound.tags if a.get("id") == "plots")["tabindex"] == "0"
    assert {a.get("type") for tag, a in sound.tags if tag == "button"} == {"button"}
    assert next(a for tag, a in sound.tags if tag == "html")["lang"] == "en"


def test_its_data_are_json_for_every_line_of_every_plot(html: str) -> None:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', html)
    assert found is not None
    data = json.loads(found[1])
    lengths = {len(s["values"]) for panel in data["panels"].values() for s in panel}
    assert lengths == {300}
    slots = Sound(html).tags
    for key, series in data["panels"].items():
        reads = [a for _, a in slots if (a.get("class") or "").startswith("read ")]
        assert len(reads) >= len(series), key
    for life in data["lives"]:
        instants = [step[0] for step in life["steps"]]
        assert instants == sorted(instants)
        assert life["steps"][0][1:] == ["web", "client", "somebody wants something (GET)"]


def evil_run() -> Figures:
    """A run in which everything that can have a name has an evil one."""
    tally = Tally(10.0)
    tally.hear(Happening(0.0, What.INJECT, EVIL, 0, 0, (EVIL, 0, EVIL)))
    tally.hear(Happening(0.0, What.PHASE, "sim", 0, 0, ("safety",)))
    tally.hear(Happening(0.1, What.PHASE, "sim", 0, 0, (EVIL,)))
    tally.hear(Happening(0.0, What.OPEN, EVIL, 0, 0, (EVIL, EVIL, EVIL, 5)))
    tally.hear(Happening(0.1, What.ARRIVE, EVIL, 1, 1, (EVIL,)))
    tally.hear(Happening(0.2, What.TAKE, EVIL, 1, 1, (EVIL, 0, 0)))
    tally.hear(Happening(0.3, What.DONE, EVIL, 1, 1, (0, 1, 200_000_000, EVIL)))
    verdict = Verdict(EVIL, False, 1, EVIL, 0.2, 1)
    told = RunFacts(EVIL, 1, 10.0, 0.0, EVIL, (), (verdict,), (), {}, {EVIL: EVIL}, EVIL, EVIL)
    return Figures.of(told, tally)


def test_names_that_are_markup_stay_names() -> None:
    html = page(evil_run())
    sound = Sound(html)
    assert [tag for tag, _ in sound.tags].count("script") == 2
    assert not [tag for tag, _ in sound.tags if tag == "img"]
    assert EVIL in sound.texts
    assert "<script>document" not in html


def test_a_long_storm_stays_under_two_megabytes() -> None:
    tally = Tally(UNTIL)
    FakeRun(tally.hear, rate=900, breaker=False).run()
    assert tally.errors, "this run is meant to be bad"
    assert len(page(Figures.of(facts(), tally)).encode()) < MOST_BYTES


def test_lives_beyond_what_a_page_can_hold_are_left_out() -> None:
    tally = Tally(60.0)
    for req in range(1, 101):
        tally.hear(Happening(req / 2, What.ARRIVE, "x" * 100, 0, req, ("GET",)))
        for _ in range(199):
            tally.hear(Happening(req / 2, What.NOTE, "x" * 100, 0, req, ("y" * 1000,)))
        tally.hear(Happening(req / 2, What.DONE, "web", 0, req, (0, 1, 5, "reset")))
    run = Figures.of(facts(), tally)
    kept = pages.fitting(run)
    assert 0 < len(kept) < 10
    assert kept == tally.sample.chosen()[: len(kept)]
    assert len(page(run)) < MOST_BYTES


def test_a_life_names_the_faults_that_were_on() -> None:
    run = figures()
    lives = {life.req: life for life in run.tally.sample.chosen()}
    named = {req: pages.life_data(life, run)["faults"] for req, life in lives.items()}
    slow = [req for req, life in lives.items() if 10.5 < life.begin < 19]
    calm = [req for req, life in lives.items() if 22 < life.begin < 28]
    assert slow
    assert calm
    assert {str(named[req]) for req in slow} == {"['slow server:s2']"}
    assert {str(named[req]) for req in calm} == {"[]"}


def test_a_run_in_which_nothing_happened_has_a_page() -> None:
    assert Sound(page(Figures.of(RunFacts("nothing", 1, 10.0), Tally(10.0)))).texts


# What only a browser can tell. ``probe`` runs after the page's own script and writes what it saw.
PROBE = """<script>
const note = document.createElement("pre");
note.id = "probe";
const errors = [];
addEventListener("error", (event) => errors.push(event.message));
const plots = document.getElementById("plots");
plots.focus();
for (const key of ["Home", "ArrowRight", "End"])
  plots.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true}));
const reads = [...document.querySelectorAll("#traffic .read")].map((each) => each.textContent);
document.querySelector("[data-req]").dispatchEvent(new MouseEvent("click", {bubbles: true}));
const dialog = document.getElementById("dialog");
const seen = {
  ran: document.documentElement.dataset.script, errors, reads,
  at: document.getElementById("said").textContent,
  open: dialog.open, heading: document.getElementById("life-title").textContent,
  rows: dialog.querySelectorAll("table tr").length, dots: dialog.querySelectorAll("circle").length,
};
note.textContent = JSON.stringify(seen);
document.body.append(note);
</script></body>"""


def probed(html: str, folder: Path) -> dict[str, object]:
    # The listener for errors must be there before the page's script is.
    early = "<script>window.failures = []; onerror = (m) => failures.push(m);</script></head>"
    probe = PROBE.replace("errors, reads", "errors: [...errors, ...failures], reads")
    shown = dump(html.replace("</head>", early, 1).replace("</body>", probe, 1), folder)
    found = re.search(r'<pre id="probe">(.*?)</pre>', shown, re.DOTALL)
    assert found is not None, "the probe did not run"
    seen: dict[str, object] = json.loads(
        found[1].replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">")
    )
    return seen


@needs_chromium
def test_in_a_browser_keys_move_the_crosshair_and_a_dot_opens_its_request(
    html: str, tmp_path: Path
) -> None:
    seen = probed(html, tmp_path)
    assert (seen["ran"], seen["errors"], seen["open"]) == ("ran", [], True)
    assert seen["at"] == "59.9 s"
    reads = seen["reads"]
    assert isinstance(reads, list)
    assert [str(read)[-2:] for read in reads] == ["/s"] * 3
    assert str(seen["heading"]).startswith("Request ")
    assert seen["rows"] == seen["dots"] != 0


@needs_chromium
def test_in_a_browser_an_evil_name_is_text(tmp_path: Path) -> None:
    shown = dump(page(evil_run()), tmp_path)
    assert "<title>cracked</title>" not in shown
    assert 'data-script="ran"' in shown


@needs_chromium
def test_in_a_browser_each_plot_is_to_be_seen(html: str, tmp_path: Path) -> None:
    picture = screenshot(html, tmp_path)
    assert picture.width == 1000
    bands = {top: picture.inked(0, top, picture.width, 100) for top in range(0, 900, 100)}
    assert all(0.01 < share < 0.8 for share in bands.values()), bands


LONG = "recommendations-and-personalisation-service"
WIDTHS = """<script>
document.querySelectorAll("details").forEach((each) => { each.open = true });
document.title = [...document.querySelectorAll(".table")]
  .filter((each) => each.scrollWidth > each.clientWidth).length + " clipped";
</script></body>"""


@needs_chromium
def test_in_a_browser_long_names_clip_no_table(tmp_path: Path) -> None:
    sim = Simulation(7)
    sim.server(LONG)
    sim.balancer({"timeouts": {"connect": "200ms"}}, name="edge-load-balancer-frankfurt-1")
    sim.clients("customers-on-mobile-phones", OpenLoop(Every(0.1)))
    slow = Latency("edge-load-balancer-frankfurt-1", LONG, shift=0.3, for_="1s")
    sim.faults(at(1, slow), at(3, Crash(f"server:{LONG}", for_="1s")))
    html = page(sim.run(5).figures()).replace("</body>", WIDTHS, 1)
    assert html.count(LONG) > 10
    shown = browse(html, tmp_path, "--dump-dom", "--window-size=1300,900")
    assert "<title>0 clipped</title>" in shown
