"""Cores, ports and the machine's name."""

from pathlib import Path

import pytest

from benchmarks import machine
from benchmarks.machine import Cores


@pytest.mark.parametrize(
    ("allowed", "cores"),
    [({0, 1}, Cores(0, 1)), ({7, 2, 5}, Cores(2, 5)), ({3}, Cores(3, 3))],
)
def test_the_proxy_has_the_first_allowed_core_and_the_load_the_second(
    allowed: set[int], cores: Cores
) -> None:
    assert Cores.of(allowed) == cores


def test_the_processor_is_named_as_the_kernel_names_it() -> None:
    assert machine.cpu_model_of("processor\t: 0\nmodel name\t: AMD EPYC\n") == "AMD EPYC"


def test_the_congestion_control_is_the_kernel_s_or_unknown(tmp_path: Path) -> None:
    (tmp_path / "cc").write_text("cubic\n")
    assert machine.congestion_control(tmp_path / "cc") == "cubic"
    assert machine.congestion_control(tmp_path / "none") == "unknown"


def test_a_free_port_is_an_unprivileged_one() -> None:
    assert 1024 <= machine.free_port() <= 65535
