"""What ``trio-lb simulate`` is told, and the trials that this asks for."""

from pathlib import Path

import pytest

from trio_lb.cli.arguments import Parser
from trio_lb.cli.simulate_options import Asked, add_simulate_arguments, asked
from trio_lb.model.errors import ConfigError
from trio_lb.sim.search.trial import Trial
from trio_lb.sim.sweep.trials import Swarm


def asked_by(*argv: str) -> Asked:
    parser = Parser(prog="trio-lb simulate")
    add_simulate_arguments(parser)
    return asked(parser.parse(argv))


def test_a_name_alone_asks_for_the_scenario_as_it_is() -> None:
    told = asked_by("zone-partition")
    assert told.sweep.first == Trial("zone-partition", until=60, settle=30)
    assert (len(told.sweep), told.scenario.number) == (1, 9)


def test_everything_that_is_said_is_in_the_trial() -> None:
    told = asked_by(
        "zone-partition", "-c", "lb.yaml", "--seed", "7", "--seeds", "3", "--until", "1m30s",
        "--settle", "0", "--option", "rate=5", "--schedule", "shuffle:4",
    )  # fmt: skip
    assert told.sweep.first == Trial(
        "zone-partition",
        seed=7,
        schedule="shuffle:4",
        config="lb.yaml",
        until=90,
        settle=0,
        options={"rate": 5.0},
    )
    assert [trial.seed for trial in told.sweep] == [7, 8, 9]


@pytest.mark.parametrize(
    ("argv", "swarm"),
    [([], None), (["--swarm"], Swarm()), (["--harsh"], Swarm(True)), (["--swarm", "--harsh"], Swarm(True))],
)  # fmt: skip
def test_harsh_weather_needs_no_other_word(argv: list[str], swarm: Swarm | None) -> None:
    assert asked_by("fleet", *argv).sweep.swarm == swarm


def test_the_command_of_a_seed_says_all_that_decides_the_run() -> None:
    told = asked_by(
        "rolling-deploy", "-c", "my lb.yaml", "--option", "rate=2", "--unprotected", "--swarm",
        "--until", "0.5s", "--schedule", "shuffle:4", "--seeds", "9", "--html", "x", "--shrink", "0",
    )  # fmt: skip
    assert told.command(17) == (
        "trio-lb simulate rolling-deploy --config 'my lb.yaml' --until 0.5 --option rate=2"
        " --unprotected --swarm --schedule shuffle:4 --seed 17"
    )


def test_a_command_asks_for_the_same_trial() -> None:
    told = asked_by("fleet", "--harsh", "--settle", "3", "--option", "servers=3", "--until", "9")
    again = asked_by(*told.command(4).split()[2:])
    assert again.sweep.first == told.sweep.trial(4)


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (["zone-partion"], "argument NAME: 'zone-partion' is no scenario; did you mean 'zone-partition'?"),
        (["tests.cli.stories:clam"], "argument NAME: 'tests.cli.stories:clam' can't be loaded: module 'tests.cli.stories' has no attribute 'clam'"),
        (["fleet", "--seed", "-1"], "argument --seed: '-1' is not a whole number from 0 on"),
        (["fleet", "--seed", "1.5"], "argument --seed: '1.5' is not a whole number from 0 on"),
        (["fleet", "--seeds", "0"], "argument --seeds: '0' is not a whole number from 1 on"),
        (["fleet", "--until", "0"], "argument --until: '0' is not > 0 (seconds)"),
        (["fleet", "--schedule", "lifo"], "argument --schedule: 'lifo' is neither fifo nor shuffle:N"),
        (["fleet", "--html", "nowhere/x.html"], "argument --html: there is no folder 'nowhere'"),
        (["fleet", "--emit", "/"], "argument --emit: '/' is a folder"),
        (["fleet", "--swarn"], "unknown option '--swarn'; did you mean '--swarm'?"),
    ],
)  # fmt: skip
def test_what_can_not_be_meant_is_refused(
    argv: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        asked_by(*argv)
    assert caught.value.code == 2
    assert capsys.readouterr().err == f"trio-lb simulate: {told}\n"


def test_the_control_run_is_asked_for_by_a_flag() -> None:
    options = asked_by("gray-failure", "--unprotected").sweep.first.options
    assert options == {"protected": False}


def test_a_configuration_of_one_s_own_has_no_control_run() -> None:
    with pytest.raises(ConfigError) as caught:
        asked_by("gray-failure", "--unprotected", "-c", "lb.yaml")
    assert str(caught.value) == (
        "argument --unprotected: leaves out what protects the scenario's own configuration, and"
        " lb.yaml is run as it is: without --config, or with a file that lacks an algorithm that"
        " looks at latency (peak_ewma)"
    )


@pytest.mark.parametrize("name", ["rolling-deploy", "keep-alive-race", "tests.cli.stories:calm"])
def test_but_for_those_whose_control_run_changes_the_world_around_it(name: str) -> None:
    first = asked_by(name, "--unprotected", "-c", "lb.yaml").sweep.first
    assert first.options == {"protected": False}


def test_an_option_beyond_its_limit_is_refused_by_name() -> None:
    with pytest.raises(ConfigError) as caught:
        asked_by("zone-partition", "--option", "way=sideways")
    assert str(caught.value) == (
        "way: 'sideways' is not 'both', 'there' or 'back' (default 'both')"
    )


def test_an_option_of_another_scenario_is_refused() -> None:
    with pytest.raises(ConfigError) as caught:
        asked_by("fleet", "--option", "way=out")
    assert str(caught.value) == "'way' is no option of fleet; it has: servers, rate"


def test_a_file_of_faults_is_read_at_once(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_text("- {at: 1s, kind: crahs, target: 'server:s1'}\n")
    with pytest.raises(ConfigError, match="did you mean 'crash'"):
        asked_by("fleet", "--faults", str(path))
