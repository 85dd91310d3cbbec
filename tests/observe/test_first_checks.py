"""A start into the void is told once, at the moment at which the last server failed."""

from trio_lb.config.schema import ServerConfig
from trio_lb.model.address import Address
from trio_lb.model.events import ServerHealthChanged
from trio_lb.observe.first_checks import FirstChecks
from trio_lb.policy.health import CheckResult, HealthMachine
from trio_lb.state.server import Server


def server(name: str, pool: str = "default") -> Server:
    health = HealthMachine(pool, name)
    return Server(pool, ServerConfig(id=name, address=Address("127.0.0.1", 80)), health)


def check(first: FirstChecks, servers: list[Server], index: int, *, ok: bool) -> str | None:
    """Let one server's check end and tell of the change, if it is one."""
    health = servers[index].health
    assert health is not None
    told = None
    for event in health.observe(CheckResult(ok, detail="" if ok else "connect refused"), 1.0):
        assert isinstance(event, ServerHealthChanged)
        told = first.observe(event, servers)
    return told


def test_is_told_when_the_last_of_them_has_failed_and_never_again() -> None:
    first, servers = FirstChecks(), [server("s1"), server("s2")]
    assert check(first, servers, 0, ok=False) is None
    assert check(first, servers, 1, ok=False) == (
        "pool 'default': none of its servers (2) passed the first check (s1: connect refused; "
        "s2: connect refused); requests are answered 503 until one passes"
    )
    for ok in (True, True, False, False, False):
        assert check(first, servers, 0, ok=ok) is None


def test_a_pool_that_had_a_good_server_once_is_not_spoken_of() -> None:
    first, servers = FirstChecks(), [server("s1"), server("s2")]
    check(first, servers, 0, ok=True)
    told = [check(first, servers, 0, ok=False) for _ in range(3)]
    assert [*told, check(first, servers, 1, ok=False)] == [None] * 4


def test_each_pool_is_judged_alone() -> None:
    first, servers = FirstChecks(), [server("s1"), server("s1", "api")]
    assert check(first, servers, 0, ok=True) is None
    told = check(first, servers, 1, ok=False)
    assert told is not None
    assert told.startswith("pool 'api': none of its servers (1) ")


def test_a_server_without_probes_can_always_be_tried() -> None:
    first, servers = FirstChecks(), [server("s1"), server("s2")]
    servers[1].health = None
    assert check(first, servers, 0, ok=False) is None
