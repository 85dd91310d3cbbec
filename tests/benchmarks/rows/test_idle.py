"""What a kept connection holds is looked at on connections that were answered."""

import socket
import threading
from collections.abc import Iterator

import pytest

from benchmarks.peers.base import Target
from benchmarks.program import ProgramFailed
from benchmarks.rows.base import Bench
from benchmarks.rows.idle import Idle, kept_kib

pytestmark = pytest.mark.real


def test_a_kept_connection_to_nginx_holds_little(bench: Bench) -> None:
    target = Target("nginx", bench.origin.port, bench.origin.program)
    assert 0 <= kept_kib(target) < 64


@pytest.fixture
def hanging_up() -> Iterator[int]:
    """The port of a server that answers nobody."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def close_one() -> None:
            listener.accept()[0].close()

        thread = threading.Thread(target=close_one)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


def test_a_connection_that_is_not_kept_is_no_figure(bench: Bench, hanging_up: int) -> None:
    target = Target("someone", hanging_up, bench.origin.program)
    with pytest.raises(ProgramFailed, match="someone"):
        kept_kib(target)


def test_every_figure_of_the_row_is_filled() -> None:
    assert [figure.key for figure in Idle.figures] == [
        *("rss_mib", "kept_kib", "ready_ms", "version_ms")
    ]
