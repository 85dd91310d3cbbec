"""The same configuration has the same text, whoever wrote it, and code is in it by its name."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from trio_lb.config.load import load_file, load_mapping
from trio_lb.config.schema import Config
from trio_lb.model.probe_result import ProbeResult
from trio_lb.sim.config_text import hash_of_plans, text_of
from trio_lb.sim.simulation import Simulation
from trio_lb.sim.trace_reader import read_header

SERVERS = ["10.0.0.1:80", "10.0.0.2:80"]


def plan(config: Mapping[str, object]) -> Config:
    return load_mapping({"listeners": [{"port": 80}], "servers": SERVERS, **config})


def test_only_what_differs_from_the_defaults_is_said() -> None:
    assert text_of(plan({"name": "edge", "slow_start": "30s"})) == (
        '{"listeners": [{"bind": {"host": "0.0.0.0", "port": 80}}], "name": "edge", "pools": '
        '{"default": {"servers": [{"address": {"host": "10.0.0.1", "port": 80}'
        ', "id": "10.0.0.1:80"}, {"address": {"host": "10.0.0.2", "port": 80}, "id": '
        '"10.0.0.2:80"}], "slow_start": 30.0}}}'
    )


@pytest.mark.parametrize(
    "spelling",
    [
        {"health_check": {"interval": "10s"}},
        {"health_check": {"interval": 10}},
        {"health_check_interval": 10.0},
        {"health_check": {"interval": "10s", "timeout": "2s"}},
    ],
)
def test_another_spelling_is_the_same(spelling: Mapping[str, object]) -> None:
    assert hash_of_plans({"lb": plan(spelling)}) == hash_of_plans(
        {"lb": plan({"health_check": {"enabled": True, "interval": "10s"}})}
    )


@pytest.mark.parametrize(
    "other",
    [
        {"retry": {"max_retries": 1}},
        {"servers": SERVERS[::-1]},
        {"algorithm": "random"},
        {"pools": {"api": {"servers": SERVERS}}},
        {"access": {"deny": ["10.9.0.0/16"]}},
    ],
)
def test_another_setting_is_another(other: Mapping[str, object]) -> None:
    assert hash_of_plans({"lb": plan(other)}) != hash_of_plans({"lb": plan({})})


def test_who_runs_what_counts_and_nobody_has_none() -> None:
    a, b = plan({}), plan({"algorithm": "random"})
    assert hash_of_plans({"x": a, "y": b}) != hash_of_plans({"x": b, "y": a})
    assert hash_of_plans({}) == ""


def test_of_files_only_the_name_counts_wherever_they_are(tmp_path: Path) -> None:
    hashes: list[str] = []
    for folder, certificate in (("a", "cert.pem"), ("b", "cert.pem"), ("c", "other.pem")):
        config = {
            "listeners": [{"protocol": "https", "ssl": {"certificate": certificate}}],
            "servers": SERVERS,
            "tls": {"ca": "ca.pem"},
        }
        (tmp_path / folder).mkdir()
        path = tmp_path / folder / "lb.json"
        path.write_text(json.dumps(config))
        hashes.append(hash_of_plans({"lb": load_file(path)}))
    assert hashes[0] == hashes[1] != hashes[2]


def test_a_simulation_s_is_that_of_what_was_said_whatever_it_is_fitted_to(tmp_path: Path) -> None:
    config = {"listeners": [{"port": 80}], "servers": ["127.0.0.1:8001"]}
    sim = Simulation()
    sim.balancer(config)
    sim.run(0.1, trace=tmp_path / "run.jsonl")
    said = hash_of_plans({"lb": load_mapping(config)})
    assert read_header(tmp_path / "run.jsonl").config_hash == said


async def _check(server: object) -> ProbeResult:
    raise NotImplementedError


def test_code_is_called_by_its_name_and_not_by_its_address() -> None:
    text = text_of(plan({"health_check": {"check": _check}}))
    assert f'"check": "{__name__}:_check"' in text
    assert "0x" not in text
