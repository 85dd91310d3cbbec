"""Waits that may end before their time, where a simulation says so.

A timeout fires when it is due, or later: so what happens when it fires at the very instant at
which the answer comes, or between two steps that mostly take no time, is tried by no test that
waits for it. ``Env.buggify`` lets simulations end such waits early, by the names below; in
production it says no, and the wait is as long as configured.

Only waits are here that begin seldom: for a connection, a request that takes long, a probe. What
each request waits for is left as it is: a question a request is a price.
"""

import math
from typing import Final, Literal, TypeAlias, get_args

import trio

from trio_lb.net.env import Env

Wait: TypeAlias = Literal[
    "connect", "first_byte", "idle", "write_stall", "client_body_idle", "probe", "tls_handshake"
]
"""What is waited for: the name of its timeout in the configuration, as a rule."""

WAITS: Final[tuple[Wait, ...]] = get_args(Wait)


def hurried(env: Env, wait: Wait, deadline: float) -> float:
    """Return the instant at which to give up what may take until ``deadline``: just that, or less.

    The earlier end is drawn, soon ones far more often than late ones (a third of them comes
    within the first ten-thousandth of the time), as what is waited for mostly comes soon, too.
    """
    if not env.buggify(wait) or deadline == math.inf:
        return deadline
    share = env.rng(f"early end of {wait}").random()
    for _ in range(3):
        share *= share  # By products alone: they are the same everywhere.
    now = trio.current_time()
    return now + max(0.0, deadline - now) * share
