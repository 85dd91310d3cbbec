"""A pick without a request of ours: which server would it be?"""

from trio_lb.model.message import RequestHead
from trio_lb.policy.balance.base import Context
from trio_lb.proxy.context import ProxyContext
from trio_lb.proxy.pick_key import key_of
from trio_lb.proxy.trial import tell_none_left, tell_selected
from trio_lb.state.pool import Pool
from trio_lb.state.server import Server


def select(
    context: ProxyContext, pool: Pool, client_id: str | None, request: RequestHead | None
) -> Server | None:
    """Return the pool's next server for this client or request, and tell of it; None if none."""
    client = client_id or ""
    key = client_id if request is None else key_of(request, pool.config.hash_key)
    picked = next(pool.order(Context(client, key), context.pick_rng, context.env.now()), None)
    if picked is None:
        tell_none_left(context, pool)
        return None
    tell_selected(context, pool, picked, client)
    return picked
