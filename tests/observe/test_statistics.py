"""The statistics block, in requirement 004's form."""

from trio_lb.config.schema import ServerConfig
from trio_lb.model.address import Address
from trio_lb.observe.statistics import format_block
from trio_lb.policy.health import CheckResult, HealthMachine
from trio_lb.state.ledger import Ledger
from trio_lb.state.server import Server

UNKNOWN = None


def server(
    port: int, good: bool | None = True, *, usable: bool = True, total: int = 0, failed: int = 0
) -> Server:
    health = HealthMachine("default", f"s{port}")
    if good is not None:
        health.observe(CheckResult(good), 0.0)
    config = ServerConfig(id=f"s{port}", address=Address("127.0.0.1", port))
    made = Server("default", config, health)
    made.is_usable = usable
    made.requests, made.failures = total, failed
    return made


def block(*servers: Server, ledger: Ledger | None = None) -> list[str]:
    statistics = (ledger or Ledger()).statistics(servers)
    text = format_block(statistics, servers)
    assert text.endswith("\n")
    return text.splitlines()


def test_the_sample_of_requirement_004() -> None:
    ledger = Ledger()
    for _ in range(45):
        ledger.accepted()
    first = server(8080, total=1205, failed=3)
    second = server(8081, total=1198, failed=1)
    third = server(8082, good=False, usable=False, total=892, failed=15)
    first.active_connections, second.active_connections = 22, 23
    assert block(first, second, third, ledger=ledger) == [
        "=== Load Balancer Stats ===",
        "Total Active Connections: 45",
        "Backend[0] 127.0.0.1:8080: Status=HEALTHY, Active=22, Total=1205, Failed=3",
        "Backend[1] 127.0.0.1:8081: Status=HEALTHY, Active=23, Total=1198, Failed=1",
        "Backend[2] 127.0.0.1:8082: Status=UNHEALTHY, Active=0, Total=892, Failed=15",
        "============================",
    ]


def test_a_server_that_was_never_checked_is_unknown() -> None:
    assert "Status=UNKNOWN," in block(server(1, UNKNOWN, usable=False))[2]


def test_an_ejected_server_is_unhealthy_though_its_probes_pass() -> None:
    assert "Status=UNHEALTHY," in block(server(1, usable=False))[2]


def test_a_server_without_probes_is_healthy() -> None:
    unprobed = server(1)
    unprobed.health = None
    assert "Status=HEALTHY," in block(unprobed)[2]
