"""A deployment in waves: how many servers go at a time, and how long it takes until all are back."""

import json
import math
from typing import Final

DEPLOY_SECONDS: Final = 1.0
"""From the end of a server's old process to the begin of its new one."""


def wave_size(share: float, servers: int) -> int:
    """Return how many servers are restarted at a time: one at least."""
    return max(1, math.ceil(share * servers))


def deploy_seconds(told: str) -> float:
    """Return how long a deployment goes on, from what is told of it when it begins.

    From the first wave's begin until the last wave's servers are back; 0 where nothing says of
    how many servers it is.
    """
    args = json.loads(told or "{}")
    servers = args.get("servers", 0)
    if not servers:
        return 0.0
    waves = math.ceil(servers / wave_size(args["share"], servers))
    return float((waves - 1) * args["every"] + DEPLOY_SECONDS)
