"""Access logs as load: nginx's, ours in each form, and files that are none."""

from pathlib import Path

import pytest

from trio_lb.model.errors import ConfigError
from trio_lb.model.events import RequestRecord
from trio_lb.observe.access_format import FORMATS
from trio_lb.sim.access_log import read_access_log, time_of
from trio_lb.sim.actors.client import OpenLoop
from trio_lb.sim.happening import What
from trio_lb.sim.simulation import Simulation

NGINX = '10.0.0.7 - - [21/Nov/2026:10:00:0{second} +0100] "GET / HTTP/1.1" 200 612 "-" "curl/8"\n'


def written(folder: Path, *seconds: int) -> Path:
    """Return a log of nginx's with a request at each of these seconds."""
    path = folder / "access.log"
    path.write_text("".join(NGINX.format(second=second) for second in seconds))
    return path


def test_the_first_request_comes_at_once_whatever_the_order_of_the_lines(tmp_path: Path) -> None:
    instants = read_access_log(written(tmp_path, 5, 3, 3, 8)).instants
    assert [round(at, 6) for at in instants] == [0.0, 0.0, 2.0, 5.0]
    assert instants[0] > 0.0


@pytest.mark.parametrize("form", FORMATS)
def test_each_of_our_own_forms_is_read(form: str) -> None:
    record = RequestRecord(
        id="r1", client="10.0.0.7", method="GET", target="/", version="HTTP/1.1", status=200,
        bytes_in=0, bytes_out=2, pool="default", server_id="s1", attempts=1, started_at=1.0,
        wall_at=1_790_000_000.0, head_seconds=0.1, total_seconds=0.2,
    )  # fmt: skip
    assert time_of(FORMATS[form](record)) == 1_790_000_000.0


def test_zones_of_time_are_minded() -> None:
    berlin, utc = (NGINX.format(second=1), NGINX.format(second=1).replace("+0100", "+0000"))
    assert (time_of(utc) or 0.0) - (time_of(berlin) or 0.0) == 3600.0


def test_a_log_is_played_faster_than_it_was(tmp_path: Path) -> None:
    sim = Simulation()
    sim.server("s1")
    sim.balancer()
    sim.clients("web", OpenLoop(read_access_log(written(tmp_path, 1, 3, 5), speed=2.0)))
    arrivals: list[float] = []
    sim.wire.hear(lambda each: arrivals.append(round(each.at, 3)), What.ARRIVE)
    sim.run(until=5)
    assert arrivals == [0.0, 1.0, 2.0]


def test_a_line_without_a_time_is_refused_with_its_number(tmp_path: Path) -> None:
    path = written(tmp_path, 1)
    path.write_text(path.read_text() + "\nhello\n{}\n")
    with pytest.raises(ConfigError) as caught:
        read_access_log(path)
    assert [(each.line, each.message.split(" has")[0]) for each in caught.value.problems] == [
        (3, "'hello'"),
        (4, "'{}'"),
    ]


@pytest.mark.parametrize(("text", "says"), [("", "holds no request"), (None, "can't be read")])
def test_a_file_that_is_none_is_refused(tmp_path: Path, text: str | None, says: str) -> None:
    path = tmp_path / "access.log"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigError, match=says):
        read_access_log(path)
