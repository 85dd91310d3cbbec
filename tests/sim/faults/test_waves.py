"""How a deployment goes on."""

import pytest

from trio_lb.sim.faults.waves import deploy_seconds, wave_size


def test_a_wave_is_one_server_at_least() -> None:
    assert [wave_size(share, 3) for share in (0.01, 0.33, 0.34, 1.0)] == [1, 1, 2, 3]


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        ('{"every": 10.0, "servers": 3, "share": 0.34}', 11.0),
        ('{"every": 30.0, "servers": 10, "share": 0.1}', 271.0),
        ('{"every": 30.0, "servers": 4, "share": 1.0}', 1.0),
        ('{"every": 30.0, "share": 1.0}', 0.0),
        ("", 0.0),
    ],
)
def test_it_goes_on_until_the_last_wave_is_back(told: str, seconds: float) -> None:
    assert deploy_seconds(told) == seconds
