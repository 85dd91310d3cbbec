"""What an algorithm is told of a request: its client, and the key that hashes look at."""

from trio_lb.config.schema import DEFAULT_HASH_KEY, PoolConfig
from trio_lb.model.message import RequestHead
from trio_lb.policy.balance.base import Context
from trio_lb.proxy.exchange import Exchange

_HEADER = "header:"


def pick_context(exchange: Exchange, pool: PoolConfig) -> Context:
    """Return what is the same for all requests of the connection, unless something differs.

    A request that lacks the header that is hashed goes by its client.
    """
    if pool.hash_key == DEFAULT_HASH_KEY and exchange.client_address == exchange.client.address:
        return exchange.client.pick_context
    key = None if exchange.head is None else key_of(exchange.head, pool.hash_key)
    return Context(client=exchange.client_address, key=key)


def key_of(head: RequestHead, hash_key: str) -> str | None:
    """Return what ``hash_key`` names in a request; None: it goes by its client."""
    if hash_key == DEFAULT_HASH_KEY:
        return None
    if hash_key == "path":
        return head.target.partition(b"?")[0].decode("ascii")
    value = head.get(hash_key.removeprefix(_HEADER).lower().encode("ascii"))
    return value.decode("latin-1") if value else None
