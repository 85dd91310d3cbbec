"""One trial with two configurations: the same requests, other ends."""

import pickle
from pathlib import Path

import pytest

from tests.cli import stories
from tests.sim.whatif.configurations import written
from trio_lb.model.errors import ConfigError
from trio_lb.sim.search.trial import Trial
from trio_lb.sim.whatif.compare import Compared, Comparison, require_usable

CRASH = f"{stories.__name__}:crash"


def test_the_careful_one_keeps_what_the_careless_one_breaks(tmp_path: Path) -> None:
    old, new = written(tmp_path)
    page = str(tmp_path / "ab.html")
    trial = Trial(CRASH, seed=1, config=old, until=5, settle=1)
    compared = Comparison(new, {(CRASH, 1): page})(trial)
    lines = {line.name: line for line in compared.lines}
    assert lines["requests"].values[0] == lines["requests"].values[1], "the same clients"
    assert lines["good"].verdict == "good"
    assert list(compared.old_broken) == ["error_rate"]
    assert (dict(compared.new_broken), compared.newly_broken, compared.ok) == ({}, [], True)
    assert compared.pick is not None
    assert compared.verdict is not None
    assert (compared.verdict.old, "ejects 10.0.0.1-80" in compared.verdict.new) == ("", True)
    html = Path(page).read_text()
    assert "old.yaml" in html
    assert "new.yaml" in html


def test_the_other_way_round_it_breaks_what_was_kept(tmp_path: Path) -> None:
    old, new = written(tmp_path)
    compared = Comparison(old)(Trial(CRASH, seed=1, config=new, until=5, settle=1))
    assert compared.newly_broken == ["error_rate"]
    assert pickle.loads(pickle.dumps(compared)) == compared, "it comes from another process"


def test_the_same_configuration_decides_the_same(tmp_path: Path) -> None:
    old, _ = written(tmp_path)
    compared = Comparison(old)(Trial(CRASH, seed=2, config=old, until=3, settle=0))
    assert (compared.pick, compared.verdict) == (None, None)
    assert {line.verdict for line in compared.lines} == {""}
    assert compared == Comparison(old)(Trial(CRASH, seed=2, config=old, until=3, settle=0))


def test_what_a_run_never_reached_is_kept_for_each_side(tmp_path: Path) -> None:
    old, new = written(tmp_path)
    page = str(tmp_path / "ab.html")
    vacuous = f"{stories.__name__}:vacuous"
    trial = Trial(vacuous, config=old, until=1, settle=0)
    compared = Comparison(new, {(vacuous, 0): page})(trial)
    assert compared.old_missed == compared.new_missed == ("a breaker opens",)
    assert Path(page).read_text().count("never reached: a breaker opens") == 2


def test_a_check_that_both_break_is_not_newly_broken() -> None:
    both = Compared(old_broken={"a": ""}, new_broken={"a": "", "b": ""})
    assert both.newly_broken == ["b"]


def test_a_configuration_that_no_world_can_adopt_is_refused_before(tmp_path: Path) -> None:
    old, _ = written(tmp_path)
    require_usable(old)
    Path(old).write_text(
        "load_balancer:\n  listeners: [{bind: 'unix:/tmp/x'}]\n  servers: [a:80]\n"
    )
    with pytest.raises(ConfigError, match="socket of the file system"):
        require_usable(old)
