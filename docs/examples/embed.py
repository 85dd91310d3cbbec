"""A load balancer inside of a trio program: two functions behind one address, until Ctrl-C.

python docs/examples/embed.py
curl http://127.0.0.1:8000/
"""

import trio

import trio_lb


async def one(request: trio_lb.Request) -> str:
    """Answer as the first server."""
    return f"one saw {request.path}\n"


async def two(request: trio_lb.Request) -> str:
    """Answer as the second one; an address ("10.0.0.1:8080") could stand in its place."""
    return f"two saw {request.path}\n"


CONFIG = {
    "listeners": [{"bind": "127.0.0.1:8000"}],
    "servers": [{"id": "one", "app": one}, {"id": "two", "app": two}],
}


async def main() -> None:
    """Serve until cancelled."""
    async with trio_lb.open_load_balancer(CONFIG) as lb, trio.open_nursery() as nursery:
        (address,) = await nursery.start(lb.serve)
        print(f"balancing on http://{address}")


if __name__ == "__main__":
    trio.run(main)
