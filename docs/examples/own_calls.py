"""Calls of your own under the balancer's rules: any client, any protocol, no proxy.

Three databases, one of them broken. The balancer picks one for each call, tries another one
when it fails, opens the breaker of the one that keeps failing, and keeps the books.

    python docs/examples/own_calls.py
"""

import trio

import trio_lb

CONFIG = {
    "servers": [
        {"id": "db1", "address": "10.0.0.1:5432"},
        {"id": "db2", "address": "10.0.0.2:5432"},
        {"id": "db3", "address": "10.0.0.3:5432"},
    ],
    "circuit_breaker": {"failure_threshold": 3, "timeout": "30s"},
    "retry": {"max_retries": 2, "base_delay": "1ms"},
}


async def query(server: trio_lb.Server, statement: str) -> str:
    """Stand in for your client: connect to server.host and server.port, ask, return."""
    await trio.sleep(0.001)
    if server.id == "db2":
        raise ConnectionError(f"{server.host}:{server.port} is full")
    return f"{server.id} ran {statement!r}"


async def main() -> None:
    """Ask twelve times."""
    async with trio_lb.open_load_balancer(CONFIG) as lb:
        lb.on("request_retried", lambda event: print(f"{event.server_id} failed, another one"))
        lb.on("circuit_breaker_opened", lambda event: print(f"{event.server_id} is left alone"))
        for number in range(12):
            await lb.handle_request("user-42", f"select {number}", query)
        books = lb.statistics()
        print(f"{books.successful_requests} of {books.total_requests} succeeded")
        for server in lb.servers():
            print(server.id, server.requests, "sent,", server.failures, "failed")


if __name__ == "__main__":
    trio.run(main)

# What it prints:
# db2 failed, another one
# db2 failed, another one
# db2 is left alone
# db2 failed, another one
# 12 of 12 succeeded
# db1 6 sent, 0 failed
# db2 3 sent, 3 failed
# db3 6 sent, 0 failed
