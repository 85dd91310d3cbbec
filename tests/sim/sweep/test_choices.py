"""A scenario's name and its options, as a command line says them."""

import sys
from pathlib import Path

import pytest

from trio_lb.model.errors import ConfigError
from trio_lb.sim.limits import POSITIVE, at_least
from trio_lb.sim.scenario import Scenario, Setup
from trio_lb.sim.simulation import Simulation
from trio_lb.sim.sweep.choices import chosen_scenario, importable, read_options


def build(setup: Setup) -> Simulation:
    """Nobody is in it."""
    return setup.simulation()


STORY = Scenario(
    "story",
    "",
    build,
    60.0,
    options={"rate": 60.0, "servers": 3, "way": "both", "warm": False},
    limits={"rate": POSITIVE, "servers": at_least(1)},
)


def test_a_value_is_read_as_its_default_is() -> None:
    assert read_options(STORY, ["rate=5", "servers=7", "way=out", "warm=yes"]) == {
        "rate": 5.0,
        "servers": 7,
        "way": "out",
        "warm": True,
    }


def test_the_last_of_a_key_counts_and_a_value_may_hold_anything() -> None:
    assert read_options(STORY, ["way=x", "way=a=b"]) == {"way": "a=b"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("rate", "'rate' is not of the form key=value"),
        ("=5", "'=5' is not of the form key=value"),
        ("rte=5", "'rte' is no option of story; did you mean 'rate'?"),
        ("zzz=5", "'zzz' is no option of story; it has: rate, servers, way, warm"),
        ("rate=fast", "rate: 'fast' is not a number (default 60.0)"),
        ("servers=1.5", "servers: '1.5' is not a whole number (default 3)"),
        ("rate=-5", "rate: -5.0 is not > 0 (default 60.0)"),
        ("rate=nan", "rate: nan is not a finite number (default 60.0)"),
        ("servers=0", "servers: 0 is not >= 1 (default 3)"),
        ("warm=2", "warm: '2' is neither true nor false (default false)"),
    ],
)
def test_what_is_no_option_is_refused_with_what_is_allowed(text: str, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_options(STORY, [text])
    assert str(caught.value) == told


def test_a_scenario_without_options_says_so() -> None:
    with pytest.raises(ConfigError, match=r"'rate' is no option of bare; it has: none"):
        read_options(Scenario("bare", "", build, 60.0), ["rate=1"])


def test_a_file_of_one_s_own_is_imported_from_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "own_story_of_a_test.py").write_text(
        "def build(setup):\n    return setup.simulation()\n"
    )
    name = importable(f"{tmp_path}/own_story_of_a_test.py:build")
    assert name == "own_story_of_a_test:build"
    assert chosen_scenario(name).simulation(seed=4).seed == 4
    del sys.modules["own_story_of_a_test"]


def test_a_module_that_can_not_be_imported_is_told_with_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "broken_story_of_a_test.py").write_text("def build(setup)\n    return 1\n")
    name = importable(f"{tmp_path}/broken_story_of_a_test.py:build")
    with pytest.raises(ConfigError) as caught:
        chosen_scenario(name)
    assert str(caught.value) == (
        "'broken_story_of_a_test:build' can't be loaded:"
        f" SyntaxError: expected ':' ({tmp_path}/broken_story_of_a_test.py, line 1)"
    )


def test_a_file_that_is_not_there_is_told_with_its_folder(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        importable(f"{tmp_path}/nosuch.py:build")
    assert str(caught.value) == f"there is no file 'nosuch.py' in {tmp_path}"


def test_a_file_without_a_function_is_told_how_to_name_one() -> None:
    with pytest.raises(ConfigError, match=r"no function of it: write story\.py:FUNCTION, for one"):
        importable("story.py")


def test_a_module_s_function_keeps_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    assert importable(f"{__name__}:build") == f"{__name__}:build"
    assert importable("fleet") == "fleet"
    assert chosen_scenario(f"{__name__}:build").build is build
