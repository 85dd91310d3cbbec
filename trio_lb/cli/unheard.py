"""Balancers in a thousand worlds log a thousand times; what matters of it breaks a check."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def unheard() -> Iterator[None]:
    """Keep what balancers log off standard error, where logging puts what nobody handles."""
    logger, deaf = logging.getLogger("trio_lb"), logging.NullHandler()
    logger.addHandler(deaf)
    try:
        yield
    finally:
        logger.removeHandler(deaf)
