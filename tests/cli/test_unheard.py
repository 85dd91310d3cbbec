"""What balancers log in simulations is not told, and the log is afterwards as it was."""

import io
import logging

import pytest

from trio_lb.cli.unheard import unheard


def test_a_line_that_nobody_handles_is_told_outside_of_the_block_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = io.StringIO()
    monkeypatch.setattr(logging.getLogger(), "handlers", [])  # Those of pytest handle everything.
    monkeypatch.setattr(logging, "lastResort", logging.StreamHandler(told))
    logger = logging.getLogger("trio_lb.balancer")
    logger.warning("before")
    with unheard():
        logger.warning("inside")
    logger.warning("after")
    assert told.getvalue() == "before\nafter\n"
