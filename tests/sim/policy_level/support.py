"""Small runs to count on: requests every so often, work of a fixed length."""

from collections.abc import Sequence

from trio_lb.sim.policy_level.policy_run import PolicyRun
from trio_lb.sim.policy_level.settings import Clients, ServerModel, Trouble
from trio_lb.sim.policy_level.workload import Workload


def workload(*requests: tuple[float, float], until: float = 100.0) -> Workload:
    """Make a workload of (instant, work) pairs."""
    return Workload([at for at, _ in requests], [work for _, work in requests], until)


def run_of(
    requests: Workload,
    *servers: ServerModel,
    settings: dict[str, object] | None = None,
    clients: Clients | None = None,
    troubles: Sequence[Trouble] = (),
) -> PolicyRun:
    """Make a run that takes turns among ``servers``, without retries unless settings say so."""
    return PolicyRun(
        {"algorithm": "round_robin", "retry": {"max_retries": 0}, **(settings or {})},
        servers=servers,
        workload=requests,
        clients=clients,
        troubles=troubles,
        seed=1,
    )
