"""A failure that outlives its cause, with the product's defaults and without: no file, no socket."""

from trio_lb.sim import ClientPolicy, Exponential, OpenLoop, Poisson, Simulation
from trio_lb.sim.faults.fluent import Slow, at


def simulate(protected: bool) -> str:
    sim = Simulation(seed=1)
    for name in ("s1", "s2", "s3", "s4", "s5"):
        sim.server(name, service=Exponential(0.15), concurrency=2, queue=100)
        sim.faults(at("10s", Slow(f"server:{name}", x=2, for_="20s")))
    # A retry budget and outlier detection: both are on by default.
    retry = {"max_retries": 3, "budget": protected}
    config = {"retry": retry, "outlier_detection": protected, "timeouts": {"first_byte": "1s"}}
    sim.balancer({"algorithm": "least_connections", **config})
    sim.clients("web", OpenLoop(Poisson(33)), policy=ClientPolicy(timeout=10))
    return sim.run(until=70).summary()


def main() -> None:
    for protected in (True, False):
        print("as by default:" if protected else "with both switched off:")
        for line in simulate(protected).splitlines()[6:9]:
            print(line.rstrip())


if __name__ == "__main__":
    main()

# What it prints:
# as by default:
#    offered ▅▆▄▅▆▄▆▇▅▅▅▄▆▆▅▆▅▇▅▆▅▆▇▅▇▄▆▄█▆▄▄▆▅▆▆▅▆▅▅▆▅▅▇▇▆▆▆▅▅▅▆▄▅▅▆▆▇▆▃ peak 75/s
#       good ▆▆▃▄▅▃▅▄▆▄▆▅▄▄▄▆▄▃▄▃  ▂▂▃▃▃▅▄▅▄▃▆█▆▆▅▆▆▄▅▄▅▅▅▆▅▇▄▆▅▆▄▆▅▄▆▆▅▃ peak 85/s
#     failed                     █▅▅▅▃▄▄▃   ▅▄▂                           peak 110/s
# with both switched off:
#    offered ▅▆▄▅▆▄▆▇▅▅▅▄▆▆▅▆▅▇▅▆▅▆▇▅▇▄▆▄█▆▄▄▆▅▆▆▅▆▅▅▆▅▅▇▇▆▆▆▅▅▅▆▄▅▅▆▆▇▆▃ peak 75/s
#       good ▇█▄▅▆▄▆▅▇▅▇▆▅▅▅▇▅▄▅▄▂                                        peak 65/s
#     failed                     ▁▂▄▆█▄▃▁▅▅▄▂▅▃▃▅▃▅▄▃▄▄▄▄▄▃▃▅▃▃▄▃▃▄▂▂▇▄▅▃ peak 150/s
